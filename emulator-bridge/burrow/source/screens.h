// The screens around a run.
#ifndef BURROW_SCREENS_H
#define BURROW_SCREENS_H

#include "run.h"

void screen_title(void);            // until A or START
void screen_end(enum run_end end);  // game over or the way out, until A or START

#endif
