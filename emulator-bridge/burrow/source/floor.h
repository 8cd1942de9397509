// A new floor: its shape (floor.c) and what is on it (stock.c). Both draw from the dungeon generator only.
#ifndef BURROW_FLOOR_H
#define BURROW_FLOOR_H

#include "memory.h"

enum { FLOOR_COUNT = 20, TURNS_A_FLOOR = 1000, WATER_FIRST_FLOOR = 3, DARK_FIRST_FLOOR = 11 };

void floor_dig(void);   // terrain, rooms, start and stairs
void floor_stock(void); // items, traps, monsters
struct tile_position room_tile_random(int room); // a bare floor tile of the room, x = -1 if none was found
int room_random(void);
boolean wild_spawn_unseen(void); // one more monster, out of the leader's sight

#endif
