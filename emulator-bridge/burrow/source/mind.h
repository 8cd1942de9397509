// What monsters want. Each turn a wild one (and the ally) first moves, or decides to strike; the strikes come after all
// have moved.
#ifndef BURROW_MIND_H
#define BURROW_MIND_H

#include "entity.h"

void ally_move(void);     // first in a turn
void wild_move_all(void);
void strikes_resolve(void); // the ally's first, then the wild ones'

#endif
