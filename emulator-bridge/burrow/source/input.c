#include "input.h"
#include "memory.h"

enum { REPEAT_FIRST_FRAME = 24, REPEAT_FRAMES = 5, SHORT_PRESS_MIN = 2, SHORT_PRESS_MAX = 11 };

static int pad_frames;

static u16 short_press(s16 *timer, u16 held, u16 key)
{
    if (held & key) {
        if (*timer < 1000)
            ++*timer;
        return 0;
    }
    u16 result = *timer >= SHORT_PRESS_MIN && *timer <= SHORT_PRESS_MAX ? key : 0;
    *timer = 0;
    return result;
}

void input_update(u16 held)
{
    u16 before = inputs.held;
    inputs.held = held;
    inputs.pressed = held & ~before;
    inputs.repeated = inputs.pressed;
    pad_frames = held & KEY_PAD && (held & KEY_PAD) == (before & KEY_PAD) ? pad_frames + 1 : 0;
    if (pad_frames >= REPEAT_FIRST_FRAME && (pad_frames - REPEAT_FIRST_FRAME) % REPEAT_FRAMES == 0)
        inputs.repeated |= held & KEY_PAD;
    inputs.short_press = short_press(&input_timers.b, held, KEY_B) | short_press(&input_timers.r, held, KEY_R);
    inputs_polled = inputs;
    if (game_mode == MODE_DUNGEON)
        dungeon_frames++;
}

boolean key_held(u16 keys)
{
    return (inputs.held & keys) == keys;
}

boolean key_pressed(u16 keys)
{
    return (inputs.pressed & keys) != 0;
}

boolean key_repeated(u16 keys)
{
    return (inputs.repeated & keys) != 0;
}

boolean key_short_press(u16 keys)
{
    return (inputs.short_press & keys) != 0;
}
