// What stands and lies on the floor: monsters, items and traps, and their places in the tables.
//
// Invariants: a tile points at the monster on it and at the item or trap on it, and they say the same tile; the list
// of active monsters is packed, team first; a removed one has kind 0.
#ifndef BURROW_ENTITY_H
#define BURROW_ENTITY_H

#include "map.h"

void entities_reset(void);
static inline struct monster *monster_of(const struct entity *entity)
{
    return entity->info;
}
static inline boolean is_monster(const struct entity *entity)
{
    return entity && entity->kind == ENTITY_MONSTER;
}
struct entity *leader(void);
struct entity *ally(void); // NULL if the leader is alone
struct entity *team_place(int slot, struct tile_position place);
struct entity *wild_place(int species, int level, struct tile_position place); // NULL if all slots are taken
void monster_move(struct entity *entity, struct tile_position place); // with no entity there
void monsters_swap(struct entity *one, struct entity *other);
void monster_remove(struct entity *entity);
void monster_face(struct entity *entity, int direction);
struct entity *monster_at(struct tile_position place);
int wild_count(void);
struct tile_position position_ahead(const struct entity *entity, int direction);

struct entity *item_place(struct item item, struct tile_position place); // NULL if the tile or the table is full
void item_remove(struct entity *entity);
struct entity *trap_place(int kind, struct tile_position place);
struct entity *item_at(struct tile_position place);
struct entity *trap_at(struct tile_position place);
// The nearest free floor tile with nothing on it, or x = -1.
struct tile_position free_tile_near(struct tile_position place, boolean for_monster);
struct pixel_position pixel_of_tile(struct tile_position place);

#endif
