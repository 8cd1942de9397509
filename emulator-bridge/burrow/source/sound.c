#include "sound.h"
#include "types.h"

enum { CHANNEL_SWEEP, CHANNEL_TONE, CHANNEL_NOISE };

#define SOUND_MASTER REGISTER_16(0x04000084)
#define SOUND_VOLUME REGISTER_16(0x04000080)
#define SOUND_MIX REGISTER_16(0x04000082)

// Sweep: bits 4-6 time, bit 3 falling, bits 0-2 shift. Shape: bits 12-15 volume, 8-10 decay, 6-7 duty. Pitch: 2048 -
// 131072 / hertz, or the noise divider.
struct effect {
    u8 channel, sweep;
    u16 shape, pitch;
};

static const struct effect effects[SOUND_COUNT] = {
    [SOUND_HIT] = {CHANNEL_NOISE, 0, 0xC100, 0x0053},
    [SOUND_MISS] = {CHANNEL_NOISE, 0, 0x6100, 0x0021},
    [SOUND_HURT] = {CHANNEL_SWEEP, 0x1A, 0xB180, 1400},
    [SOUND_FALL] = {CHANNEL_SWEEP, 0x2A, 0xC280, 1650},
    [SOUND_PICK_UP] = {CHANNEL_SWEEP, 0x14, 0xA180, 1797},
    [SOUND_EAT] = {CHANNEL_TONE, 0, 0xA180, 1602},
    [SOUND_LEVEL_UP] = {CHANNEL_SWEEP, 0x25, 0xC380, 1602},
    [SOUND_STAIRS] = {CHANNEL_SWEEP, 0x3B, 0xB380, 1750},
    [SOUND_CURSOR] = {CHANNEL_TONE, 0, 0x6140, 1890},
    [SOUND_CHOOSE] = {CHANNEL_TONE, 0, 0x8140, 1940},
    [SOUND_TRAP] = {CHANNEL_SWEEP, 0x1B, 0xD280, 1200},
    [SOUND_THROW] = {CHANNEL_NOISE, 0, 0x7200, 0x0033},
};

void sound_init(void)
{
    SOUND_MASTER = 0x80;
    SOUND_VOLUME = 0xBB44;
    SOUND_MIX = 2;
}

void sound_play(enum sound sound)
{
    const struct effect *effect = &effects[sound];
    switch (effect->channel) {
    case CHANNEL_SWEEP:
        REGISTER_16(0x04000060) = effect->sweep;
        REGISTER_16(0x04000062) = effect->shape;
        REGISTER_16(0x04000064) = 0x8000 | effect->pitch;
        break;
    case CHANNEL_TONE:
        REGISTER_16(0x04000068) = effect->shape;
        REGISTER_16(0x0400006C) = 0x8000 | effect->pitch;
        break;
    default:
        REGISTER_16(0x04000078) = effect->shape;
        REGISTER_16(0x0400007C) = 0x8000 | effect->pitch;
    }
}
