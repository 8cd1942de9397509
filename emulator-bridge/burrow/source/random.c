#include "random.h"
#include "memory.h"

enum { SYSTEM_SEED = 0x10F8D };

static u32 next(u32 state)
{
    return 0x5D588B65u * state + 1;
}

void random_system_step(int steps)
{
    u32 state = system_random ? system_random : SYSTEM_SEED;
    while (steps-- > 0)
        state = next(state);
    system_random = state;
}

u32 random_system_word(void)
{
    u32 high = next(system_random), low = next(high);
    system_random = low;
    u32 word = (high & 0xFFFF0000) | low >> 16;
    return word ? word : 1;
}

void random_run_begin(u32 seed)
{
    u32 mixed = next(next(seed ^ seed >> 16) ^ seed << 7);
    dungeon->run_seed = mixed >> 8;
    floor_seed_random = dungeon->run_seed;
}

u32 random_floor_begin(void)
{
    floor_seed_random = next(floor_seed_random) & 0xFFFFFF;
    u32 seed = (next(floor_seed_random) >> 8) & 0xFFFFFF;
    dungeon_random = seed | 1;
    return seed;
}

int random_below(int limit)
{
    dungeon_random = next(dungeon_random);
    return (int)((dungeon_random >> 16) * (u32)limit >> 16);
}

int random_between(int low, int high)
{
    return low + random_below(high - low + 1);
}

boolean random_percent(int chance)
{
    return random_below(100) < chance;
}
