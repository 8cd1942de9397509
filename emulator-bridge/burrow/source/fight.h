// Blows, damage, fainting, experience.
#ifndef BURROW_FIGHT_H
#define BURROW_FIGHT_H

#include "entity.h"

const char *name_of(const struct entity *entity);
boolean are_foes(const struct entity *one, const struct entity *other);
boolean can_strike(const struct entity *entity, int direction); // no corner in the way
void strike(struct entity *attacker, int direction);            // also into the air
// Takes HP; by is who gets the experience, or NULL. A leader without a Phoenix Seed ends the run.
void hurt(struct entity *target, int amount, struct entity *by, const char *cause);
void heal(struct entity *target, int amount);
void put_to_sleep(struct entity *target, int turns);
void poison(struct entity *target);
void warp_away(struct entity *entity); // to some other room tile
// Flies up to ten tiles; true if it hit somebody. The effect on who is hit is the thrower's matter.
struct entity *fly(struct entity *thrower, int direction, int item_id, struct tile_position *landing);
void throw_pebble(struct entity *thrower, int direction);

#endif
