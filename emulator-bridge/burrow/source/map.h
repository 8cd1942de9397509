// The tiles of a floor: where one may step, what has been seen, what is in sight.
#ifndef BURROW_MAP_H
#define BURROW_MAP_H

#include "memory.h"

enum direction { SOUTH, SOUTH_EAST, EAST, NORTH_EAST, NORTH, NORTH_WEST, WEST, SOUTH_WEST, DIRECTION_COUNT,
                 DIRECTION_NONE = -1 };

extern const s8 direction_x[DIRECTION_COUNT], direction_y[DIRECTION_COUNT];

boolean map_contains(int x, int y);
struct tile *tile_at(int x, int y); // the outside tile (a wall, read only) beyond the map
int terrain_kind(int x, int y);
boolean step_allowed(int x, int y, int direction, enum movement movement);
int direction_between(struct tile_position from, struct tile_position to); // nearest of the eight
int tile_distance(struct tile_position a, struct tile_position b);

void map_reset(void);
void map_finish(void);        // masks, exits and pictures, once the terrain is dug
void map_draw_tile(int x, int y); // recomputes the picture of one tile
void map_reveal(struct tile_position viewer);
void map_reveal_all(void);
boolean in_sight(struct tile_position viewer, struct tile_position seen);

#endif
