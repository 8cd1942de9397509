// The dialogue box: a speaker says something and waits for A; or asks, and waits for a choice.
#ifndef BURROW_DIALOGUE_H
#define BURROW_DIALOGUE_H

#include "types.h"

void dialogue_say(const char *speaker, const char *text);     // three lines at most
boolean dialogue_ask(const char *speaker, const char *text);  // yes or no; B is no

#endif
