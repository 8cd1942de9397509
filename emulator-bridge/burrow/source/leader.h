// The player's command: waits for it and carries it out.
#ifndef BURROW_LEADER_H
#define BURROW_LEADER_H

#include "entity.h"

void leader_command(void); // returns when a turn was used or the floor is over
void leader_talk(struct entity *other);
// The game waits for the player from here on, or no longer does.
void waiting_begin(void);
void waiting_end(void);

#endif
