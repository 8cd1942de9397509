// Short messages: the log ring, and the window at the bottom that shows the newest and blocks nothing.
#ifndef BURROW_MESSAGE_H
#define BURROW_MESSAGE_H

#include "types.h"

void message(const char *format, ...);
void message_tick(void); // once a frame while a floor runs
void message_hide(void); // before something else takes the window's place

#endif
