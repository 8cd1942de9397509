// The drawn art; the tables themselves are in art_data.c, which art/draw.py writes.
#ifndef BURROW_ART_H
#define BURROW_ART_H

#include "types.h"

enum { FONT_FIRST = 32, FONT_COUNT = 95, FONT_ROWS = 9, FLOOR_VARIANTS = 4, INNER_WALL_VARIANTS = 3,
       TERRAIN_PALETTES = 4, SPECIES_COUNT = 12, ITEM_PICTURE_COUNT = 14, FRAME_WORDS = 72 };

enum trap_picture { TRAP_PICTURE_SPIKE, TRAP_PICTURE_SLUMBER, TRAP_PICTURE_PITFALL, TRAP_PICTURE_WARP,
                    TRAP_PICTURE_POISON, TRAP_PICTURE_PLAIN };

enum effect_tile { EFFECT_DIGITS = 0, EFFECT_PEBBLE = 10, EFFECT_SLEEP, EFFECT_ALERT, EFFECT_ARROW, EFFECT_STAR };

extern const u8 font_widths[FONT_COUNT], font_rows[FONT_COUNT][FONT_ROWS];
extern const u32 terrain_tiles[], terrain_tiles_bytes;
extern const u16 terrain_entries[][9]; // tile number, palette in bits 12-15 (0 ground, 2 features)
extern const u8 floor_graphics[2 * FLOOR_VARIANTS], inner_wall_graphics[INNER_WALL_VARIANTS];
extern const u8 wall_graphics[256], water_graphics[256]; // by mask: bit d = the neighbour in direction d is open
extern const u8 trap_graphics[6], stairs_graphic;
extern const u16 ground_palettes[TERRAIN_PALETTES][16], feature_palette[16];
extern const u32 creature_frames[][10][FRAME_WORDS]; // five directions (south to north, eastward) of two phases
extern const u8 species_models[SPECIES_COUNT];
extern const u16 species_palettes[SPECIES_COUNT][16];
extern const u32 item_pictures[ITEM_PICTURE_COUNT][32];
extern const u8 item_picture_ids[ITEM_PICTURE_COUNT], item_picture_banks[ITEM_PICTURE_COUNT];
extern const u16 item_palettes[2][16];
extern const u32 effect_tiles[], effect_tiles_bytes;
extern const u16 effect_palette[16];
extern const u32 title_tiles[], title_tiles_bytes, title_mole[];
extern const u16 title_map[600], title_palette[16];

#endif
