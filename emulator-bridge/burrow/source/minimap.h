// The small map in the corner: one pixel a tile.
#ifndef BURROW_MINIMAP_H
#define BURROW_MINIMAP_H

void minimap_changed(void);
void minimap_draw(void); // if it changed and nothing covers it

#endif
