// What using an item does.
#ifndef BURROW_USE_H
#define BURROW_USE_H

#include "entity.h"

boolean use_item(struct entity *entity, int slot, int action); // true if it used the turn
boolean use_throw(struct entity *entity, int slot);

#endif
