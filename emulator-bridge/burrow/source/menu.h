// The windows the player opens: lists with a cursor.
#ifndef BURROW_MENU_H
#define BURROW_MENU_H

#include "entity.h"

boolean menu_main(struct entity *leader_entity); // true if a turn was used
boolean menu_stairs(void);                       // true if the stairs were taken
void menu_log(void);

#endif
