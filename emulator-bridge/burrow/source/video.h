// The frame: what is shown, when it goes to the video memory, and the wait for the next one.
#ifndef BURROW_VIDEO_H
#define BURROW_VIDEO_H

#include "types.h"

enum { SPRITE_LIMIT = 128, CREATURE_SLOTS = 20, FADE_BLACK = 16 };

// Character tiles of the sprite memory: 16 for each creature, then items, effects and the title's mole.
enum { SPRITE_TILE_ITEMS = CREATURE_SLOTS * 16, SPRITE_TILE_EFFECTS = SPRITE_TILE_ITEMS + 14 * 4,
       SPRITE_TILE_TITLE = SPRITE_TILE_EFFECTS + 24 };
enum { SPRITE_BANK_ITEMS = 12, SPRITE_BANK_EFFECTS = 14 };
enum { TERRAIN_BANK_LIT = 0, TERRAIN_BANK_DIM = 1, TERRAIN_BANK_TITLE = 4, TEXT_BANK = 15 };

enum sprite_size { SPRITE_8, SPRITE_16, SPRITE_32, SPRITE_64 };

extern u16 terrain_map[32 * 32];
extern int terrain_scroll_x, terrain_scroll_y;

void video_init(void);
void video_load_terrain(int palette);
void video_load_title(void);
void video_fade(int level); // 0 = clear, FADE_BLACK = the picture is black; text stays
int video_fade_level(void);
void sprites_clear(void);
void sprite_add(int x, int y, enum sprite_size size, int tile, int bank, boolean flipped);
void creature_frame(int slot, const u32 *frame);

// Draws the scene, hands it to the next heartbeat and sleeps until it has come.
void frame_wait(void);
void frames_wait(int frames);
// The scene composes a frame: it sets the tile map and the sprites. The overlay draws text for that frame, which goes
// straight to the video memory; it runs just after the heartbeat, so that nobody sees it half done.
void scene_set(void (*draw)(void), void (*overlay)(void));

void sleep_until_interrupt(void);

#endif
