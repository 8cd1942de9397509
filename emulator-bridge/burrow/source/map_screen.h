// The full-screen map.
#ifndef BURROW_MAP_SCREEN_H
#define BURROW_MAP_SCREEN_H

void map_screen(void); // the whole floor as far as it is known; B or SELECT closes

#endif
