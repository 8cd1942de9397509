// Short sounds from the two tone channels and the noise channel; each plays by itself once started.
#ifndef BURROW_SOUND_H
#define BURROW_SOUND_H

enum sound { SOUND_HIT, SOUND_MISS, SOUND_HURT, SOUND_FALL, SOUND_PICK_UP, SOUND_EAT, SOUND_LEVEL_UP, SOUND_STAIRS,
             SOUND_CURSOR, SOUND_CHOOSE, SOUND_TRAP, SOUND_THROW, SOUND_COUNT };

void sound_init(void);
void sound_play(enum sound sound);

#endif
