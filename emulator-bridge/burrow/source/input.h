// The keys as the game's logic sees them, once a frame.
#ifndef BURROW_INPUT_H
#define BURROW_INPUT_H

#include "types.h"

// keys: everything down in any frame since the last call, so that a short tap during a slow frame is not lost.
void input_update(u16 keys);
boolean key_held(u16 keys);
boolean key_pressed(u16 keys);  // newly down in this frame
boolean key_repeated(u16 keys); // newly down, or held for long: for menus
boolean key_short_press(u16 keys);

#endif
