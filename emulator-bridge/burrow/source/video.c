// The video memory and the heartbeat interrupt.
//
// Invariant: the frame counter in RAM and its 32 bits on the screen change together. Both are written by the
// heartbeat, just after the picture has been scanned out, and by nothing else; so however long the game's own work
// takes, a finished picture shows the counter that RAM holds.
#include "art.h"
#include "memory.h"
#include "input.h"
#include "random.h"
#include "canvas.h"
#include "video.h"

// The heartbeat comes in the second line of the vertical blank: an emulator that hands over a frame at the first
// blank line always does so before the counter advances.
enum { HEARTBEAT_LINE = 162, COUNTER_CELL = 26, COUNTER_CELLS = 4 };
enum { TEXT_MAP_BLOCK = 10, TERRAIN_MAP_BLOCK = 11, TERRAIN_TILE_BLOCK = 2 };

u16 terrain_map[32 * 32] IN_EXTERNAL_RAM;
int terrain_scroll_x, terrain_scroll_y;
static void (*scene_draw)(void), (*scene_overlay)(void);
static u32 sprite_shadow[SPRITE_LIMIT * 2];
static int sprite_count;
static const u32 *creature_wanted[CREATURE_SLOTS], *creature_loaded[CREATURE_SLOTS];
static int fade_level;
static volatile u16 keys_latched;
static volatile boolean frame_is_ready, heartbeat_came;

static void copy_words(volatile u32 *to, const u32 *from, int count)
{
    while (count-- > 0)
        *to++ = *from++;
}

static void copy_palette(volatile u16 *to, const u16 *from)
{
    for (int index = 0; index < 16; index++)
        to[index] = from[index];
}

static void palette_dimmed(volatile u16 *to, const volatile u16 *from)
{
    for (int index = 0; index < 16; index++) {
        int red = from[index] & 31, green = from[index] >> 5 & 31, blue = from[index] >> 10 & 31;
        to[index] = (red * 9 / 20) | (green * 9 / 20) << 5 | (blue * 11 / 20) << 10;
    }
}

void video_init(void)
{
    static const u16 text_palette[16] = {0, 0x1882, 0x4A08, 0x7FFF, 0x1041, 0x2F9F, 0x295F, 0x3B6C,
                                         0x7EAC, 0x56B5, 0x1CA4, 0x2D6B, 0x21DA, 0x6318, 0x0421, 0x7FFF};
    copy_palette(PALETTE_BACKGROUND + 16 * TEXT_BANK, text_palette);
    for (int bank = 0; bank < SPECIES_COUNT; bank++)
        copy_palette(PALETTE_SPRITES + 16 * bank, species_palettes[bank]);
    copy_palette(PALETTE_SPRITES + 16 * SPRITE_BANK_ITEMS, item_palettes[0]);
    copy_palette(PALETTE_SPRITES + 16 * (SPRITE_BANK_ITEMS + 1), item_palettes[1]);
    copy_palette(PALETTE_SPRITES + 16 * SPRITE_BANK_EFFECTS, effect_palette);
    copy_words((volatile u32 *)(SPRITE_RAM + 32 * SPRITE_TILE_ITEMS), item_pictures[0], 32 * ITEM_PICTURE_COUNT);
    copy_words((volatile u32 *)(SPRITE_RAM + 32 * SPRITE_TILE_EFFECTS), effect_tiles, effect_tiles_bytes / 4);
    copy_words((volatile u32 *)(SPRITE_RAM + 32 * SPRITE_TILE_TITLE), title_mole, 512);

    volatile u16 *text_map = (volatile u16 *)(VIDEO_RAM + 0x800 * TEXT_MAP_BLOCK);
    for (int y = 0; y < CANVAS_ROWS; y++)
        for (int x = 0; x < CANVAS_COLUMNS; x++)
            text_map[32 * y + x] = (CANVAS_COLUMNS * y + x) | TEXT_BANK << 12;
    BACKGROUND_CONTROL(0) = 0 | TEXT_MAP_BLOCK << 8;
    BACKGROUND_CONTROL(1) = 3 | TERRAIN_TILE_BLOCK << 2 | TERRAIN_MAP_BLOCK << 8;
    sprites_clear();
    fade_level = FADE_BLACK;
    BLEND_CONTROL = 0x00D2;
    BLEND_BRIGHTNESS = FADE_BLACK;
    DISPLAY_STATUS = 0x0020 | HEARTBEAT_LINE << 8;
    INTERRUPT_ENABLE = 0x0004;
    INTERRUPT_MASTER = 1;
    frame_is_ready = 1;
    while (!heartbeat_came)
        sleep_until_interrupt();
    DISPLAY_CONTROL = 0x1340;
}

void video_load_terrain(int palette)
{
    copy_words((volatile u32 *)(VIDEO_RAM + 0x4000 * TERRAIN_TILE_BLOCK), terrain_tiles, terrain_tiles_bytes / 4);
    copy_palette(PALETTE_BACKGROUND, ground_palettes[palette]);
    copy_palette(PALETTE_BACKGROUND + 32, feature_palette);
    for (int index = 9; index <= 12; index++)
        PALETTE_BACKGROUND[32 + index] = ground_palettes[palette][index];
    palette_dimmed(PALETTE_BACKGROUND + 16, PALETTE_BACKGROUND);
    palette_dimmed(PALETTE_BACKGROUND + 48, PALETTE_BACKGROUND + 32);
}

void video_load_title(void)
{
    copy_words((volatile u32 *)(VIDEO_RAM + 0x4000 * TERRAIN_TILE_BLOCK), title_tiles, title_tiles_bytes / 4);
    copy_palette(PALETTE_BACKGROUND + 16 * TERRAIN_BANK_TITLE, title_palette);
    for (int y = 0; y < 20; y++)
        for (int x = 0; x < 30; x++)
            terrain_map[32 * y + x] = title_map[30 * y + x] | TERRAIN_BANK_TITLE << 12;
    terrain_scroll_x = terrain_scroll_y = 0;
}

void video_fade(int level)
{
    fade_level = level;
}

int video_fade_level(void)
{
    return fade_level;
}

void sprites_clear(void)
{
    sprite_count = 0;
    for (int index = 0; index < SPRITE_LIMIT; index++)
        sprite_shadow[2 * index] = 0x0200;
}

// Sprites added first lie in front.
void sprite_add(int x, int y, enum sprite_size size, int tile, int bank, boolean flipped)
{
    if (sprite_count == SPRITE_LIMIT || x <= -64 || y <= -64 || x >= SCREEN_WIDTH || y >= SCREEN_HEIGHT)
        return;
    sprite_shadow[2 * sprite_count] = (y & 0xFF) | ((x & 0x1FF) | (flipped ? 0x1000 : 0) | size << 14) << 16;
    sprite_shadow[2 * sprite_count + 1] = tile | 2 << 10 | bank << 12;
    sprite_count++;
}

void creature_frame(int slot, const u32 *frame)
{
    creature_wanted[slot] = frame;
}

// Three rows of three tiles go into a sprite of four by four; the last column and row stay empty.
static void load_creature_frames(void)
{
    for (int slot = 0; slot < CREATURE_SLOTS; slot++) {
        const u32 *frame = creature_wanted[slot];
        if (frame == creature_loaded[slot])
            continue;
        creature_loaded[slot] = frame;
        for (int row = 0; row < 3; row++)
            copy_words((volatile u32 *)(SPRITE_RAM + 32 * (16 * slot + 4 * row)), frame + 24 * row, 24);
    }
}

static void show_frame(void)
{
    volatile u32 *attributes = SPRITE_ATTRIBUTES;
    for (int index = 0; index < 2 * SPRITE_LIMIT; index++)
        attributes[index] = sprite_shadow[index];
    copy_words((volatile u32 *)(VIDEO_RAM + 0x800 * TERRAIN_MAP_BLOCK), (const u32 *)terrain_map, 512);
    load_creature_frames();
    BACKGROUND_SCROLL_X(1) = terrain_scroll_x & 0xFF;
    BACKGROUND_SCROLL_Y(1) = terrain_scroll_y & 0xFF;
    BLEND_BRIGHTNESS = fade_level;
}

static void show_counter(u32 counter)
{
    for (int cell = 0; cell < COUNTER_CELLS; cell++) {
        u32 bits = counter >> (24 - 8 * cell), row = 0;
        for (int pixel = 0; pixel < 8; pixel++)
            row |= (bits >> (7 - pixel) & 1 ? 15u : 14u) << (4 * pixel);
        volatile u32 *tile = (volatile u32 *)(VIDEO_RAM + 32 * (COUNTER_CELL + cell));
        tile[0] = row;
        tile[1] = row;
    }
}

// Once a frame, from the interrupt entry.
void heartbeat(void)
{
    show_counter(++frames_since_boot);
    u32 keys = ~KEY_INPUT & 0x3FF;
    raw_keys = keys;
    keys_latched |= keys;
    for (int key = 0; key < 10; key++)
        if (keys >> key & 1)
            key_frames[key]++;
    random_system_step(keys & (KEY_A | KEY_SELECT) ? 4 : 2);
    if (frame_is_ready) {
        show_frame();
        frame_is_ready = 0;
    }
    heartbeat_came = 1;
}

void scene_set(void (*draw)(void), void (*overlay)(void))
{
    scene_draw = draw;
    scene_overlay = overlay;
}

void frame_wait(void)
{
    if (scene_draw)
        scene_draw();
    heartbeat_came = 0;
    frame_is_ready = 1;
    while (!heartbeat_came)
        sleep_until_interrupt();
    if (scene_overlay)
        scene_overlay();
    u16 keys = keys_latched;
    keys_latched = 0;
    input_update(keys);
}

void frames_wait(int frames)
{
    while (frames-- > 0)
        frame_wait();
}
