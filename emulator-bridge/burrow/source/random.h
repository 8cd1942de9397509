// The three random generators. One recurrence serves all: state = 0x5D588B65 * state + 1.
//
// Invariant: everything that a run's outcome depends on draws from the dungeon generator, which is set anew on each
// floor, and only while a turn is computed; so a run is decided by its seed and the turns taken.
#ifndef BURROW_RANDOM_H
#define BURROW_RANDOM_H

#include "types.h"

void random_system_step(int steps);
u32 random_system_word(void);
void random_run_begin(u32 seed);  // sets the run seed
u32 random_floor_begin(void);     // the next floor's seed; sets the dungeon generator
int random_below(int limit);      // 0..limit-1
int random_between(int low, int high); // low..high
boolean random_percent(int chance);

#endif
