// The record kept in the cartridge's save memory: the deepest floor reached.
#ifndef BURROW_SAVE_H
#define BURROW_SAVE_H

int record_floor(void);            // 0 if none; FLOOR_COUNT + 1 once the burrow was crossed
void record_update(int floor);

#endif
