// Draws the floor: tiles, creatures, items, the numbers that float up, and the line of figures at the top.
#ifndef BURROW_RENDER_H
#define BURROW_RENDER_H

#include "memory.h"

enum { STEP_FRAMES = 8 };

void render_floor(void);   // the scene of a running floor
void render_overlay(void); // its text
void render_reset(void);
void status_line_redraw(void);
void effect_number(const struct entity *entity, int value);
void effect_star(const struct entity *entity);
void effect_pebble(int x, int y); // map pixels; x < 0 hides it
void effect_thrown_item(int id);  // what effect_pebble shows: an item id

// Animations; each returns when it is over.
void animate_steps(void); // everybody walks from where the picture is to where the floor says
void animate_lunge(struct entity *entity, int direction); // ends where the blow lands
void animate_recoil(struct entity *entity);
void animate_fade(int from, int to, int frames);

#endif
