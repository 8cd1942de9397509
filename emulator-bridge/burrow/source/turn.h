// One turn: the leader acts, everybody else moves, blows fall, and time takes its toll.
#ifndef BURROW_TURN_H
#define BURROW_TURN_H

#include "memory.h"

void floor_loop(void); // until the floor is left or the run ends

#endif
