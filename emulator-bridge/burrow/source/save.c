#include "save.h"
#include "types.h"

// Emulators look for this word to know that the cartridge has battery-backed memory.
__attribute__((used, aligned(4), section(".save_type"))) const char save_type[] = "SRAM_V113";

static const char mark[4] = {'B', 'R', 'W', '1'};

int record_floor(void)
{
    for (int index = 0; index < 4; index++)
        if (SAVE_RAM[index] != (u8)mark[index])
            return 0;
    int floor = SAVE_RAM[4];
    return SAVE_RAM[5] == (u8)~floor && floor <= 21 ? floor : 0;
}

void record_update(int floor)
{
    if (floor <= record_floor())
        return;
    for (int index = 0; index < 4; index++)
        SAVE_RAM[index] = mark[index];
    SAVE_RAM[4] = floor;
    SAVE_RAM[5] = ~floor;
}
