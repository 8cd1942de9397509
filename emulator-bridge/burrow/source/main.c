// Power-on, and then: title, run, end screen, for ever.
#include "canvas.h"
#include "items.h"
#include "random.h"
#include "run.h"
#include "screens.h"
#include "sound.h"
#include "species.h"
#include "text.h"
#include "video.h"

static void fixed_memory_init(void)
{
    random_system_step(0);
    team_records_pointer = (void *)0x0202F400;
    bag_pointer = bag;
    team_info_pointer = team_name;
    options_pointer = options;
    play_time_pointer = &time_played;
    species_table_pointer = species_table;
    item_table_pointer = item_table();
    text_copy(team_name, 10, "Diggers");
    options[0] = 1;
    window_layout = LAYOUT_INITIAL;
    team_menu_choice = -1;
    game_mode = MODE_TITLE;
    state_word = STATE_TITLE;
}

int main(void)
{
    fixed_memory_init();
    canvas_init();
    video_init();
    sound_init();
    for (;;) {
        screen_title();
        screen_end(run_play());
        run_leave();
    }
}
