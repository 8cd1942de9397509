// A run: from leaving the title to fainting or coming out at the bottom, and the floors in between.
#ifndef BURROW_RUN_H
#define BURROW_RUN_H

#include "memory.h"

enum run_end { RUN_FAINTED, RUN_BLOWN_OUT, RUN_GAVE_UP, RUN_CLEARED };

enum run_end run_play(void);     // returns with the floor object still in place
void run_leave(void);            // drops the floor object
int run_stray_floor(void);       // where the lost shrew waits
void run_end_with(enum run_end); // from anywhere in a turn: the floor loop stops after it
void team_records_update(void);
void stray_joins(struct entity *stray);

#endif
