#include "menu.h"
#include "canvas.h"
#include "dialogue.h"
#include "fight.h"
#include "input.h"
#include "items.h"
#include "leader.h"
#include "message.h"
#include "minimap.h"
#include "run.h"
#include "sound.h"
#include "species.h"
#include "text.h"
#include "use.h"
#include "video.h"

enum { ROWS_A_PAGE = 10, ROW_HEIGHT = 12, LABEL_MAX = 32, LOG_ROWS = 9, CHOSEN_NONE = -1 };
enum main_entry { MAIN_SKILLS, MAIN_ITEMS, MAIN_TEAM, MAIN_OTHERS, MAIN_GROUND, MAIN_COUNT };

struct list {
    int x, y, width, count, start;
    const char *title;
    void (*label)(char *out, int bytes, int index);
};

static void draw_list(const struct list *list)
{
    int rows = menu_entries_on_page, first = menu_page * ROWS_A_PAGE, top = list->y + (list->title ? 16 : 4);
    canvas_window(list->x, list->y, list->width, top - list->y + ROW_HEIGHT * rows + 3);
    if (list->title)
        canvas_text(list->x + 8, list->y + 4, COLOR_YELLOW, list->title);
    if (menu_pages > 1) {
        char page[8];
        text_format(page, sizeof page, "%d/%d", menu_page + 1, menu_pages);
        canvas_text(list->x + list->width - 24, list->y + 4, COLOR_GREY, page);
    }
    for (int row = 0; row < rows; row++) {
        char label[LABEL_MAX];
        list->label(label, sizeof label, first + row);
        canvas_text(list->x + 16, top + ROW_HEIGHT * row, COLOR_WHITE, label);
    }
}

static void draw_cursor(const struct list *list, int row, boolean shown)
{
    int y = list->y + (list->title ? 16 : 4) + ROW_HEIGHT * row;
    canvas_fill(list->x + 6, y, 9, 11, COLOR_WINDOW);
    if (shown)
        canvas_text(list->x + 7, y, COLOR_YELLOW, ">");
}

static void set_page(const struct list *list, int page)
{
    int left = list->count - page * ROWS_A_PAGE;
    menu_page = page;
    menu_entries_on_page = left < ROWS_A_PAGE ? left : ROWS_A_PAGE;
}

static void clear_list(const struct list *list)
{
    int rows = list->count < ROWS_A_PAGE ? list->count : ROWS_A_PAGE;
    canvas_fill(list->x, list->y, list->width, 20 + ROW_HEIGHT * rows, COLOR_CLEAR);
}

// The chosen index, or CHOSEN_NONE after B.
static int choose(const struct list *list, enum layout layout)
{
    int chosen = CHOSEN_NONE;
    window_layout = layout;
    menu_entries_per_page = ROWS_A_PAGE;
    menu_pages = (list->count + ROWS_A_PAGE - 1) / ROWS_A_PAGE;
    set_page(list, list->start / ROWS_A_PAGE);
    menu_cursor = list->start % ROWS_A_PAGE;
    draw_list(list);
    for (;;) {
        draw_cursor(list, menu_cursor, 1);
        frame_wait();
        int cursor = menu_cursor, page = menu_page;
        if (key_repeated(KEY_DOWN))
            cursor = cursor + 1 < menu_entries_on_page ? cursor + 1 : 0;
        else if (key_repeated(KEY_UP))
            cursor = cursor > 0 ? cursor - 1 : menu_entries_on_page - 1;
        else if (key_repeated(KEY_RIGHT) && menu_pages > 1)
            page = (page + 1) % menu_pages;
        else if (key_repeated(KEY_LEFT) && menu_pages > 1)
            page = (page + menu_pages - 1) % menu_pages;
        if (page != menu_page) {
            clear_list(list);
            set_page(list, page);
            draw_list(list);
            cursor = cursor < menu_entries_on_page ? cursor : menu_entries_on_page - 1;
        }
        if (cursor != menu_cursor) {
            draw_cursor(list, menu_cursor, 0);
            sound_play(SOUND_CURSOR);
        }
        menu_cursor = cursor;
        if (key_pressed(KEY_A)) {
            sound_play(SOUND_CHOOSE);
            chosen = menu_page * ROWS_A_PAGE + menu_cursor;
            break;
        }
        if (key_pressed(KEY_B)) {
            clear_list(list);
            break;
        }
    }
    return chosen;
}

static void open_menus(void)
{
    message_hide();
}

static void close_menus(void)
{
    window_layout = LAYOUT_FREE;
    submenu_count = 0;
    canvas_fill(0, 14, SCREEN_WIDTH, SCREEN_HEIGHT - 14, COLOR_CLEAR);
    minimap_changed();
}

static const char *action_label(int action)
{
    switch (action) {
    case ACTION_EAT:
        return "Eat";
    case ACTION_USE_JAR:
        return "Use";
    case ACTION_THROW_ARC:
    case ACTION_THROW_STRAIGHT:
        return "Throw";
    case ACTION_SET:
        return "Set";
    case ACTION_UNSET:
        return "Unset";
    case ACTION_PLACE:
        return "Place";
    case ACTION_INFO:
        return "Info";
    case ACTION_STAIRS:
        return "Go down";
    case ACTION_CANCEL:
        return "Stay";
    case ACTION_ATTACK:
        return "Claw";
    case ACTION_SUMMARY:
        return "Look";
    case ACTION_GIVE_UP:
        return "Give up";
    default:
        return "?";
    }
}

static void label_action(char *out, int bytes, int index)
{
    text_copy(out, bytes, action_label(submenu[index].action));
}

static void submenu_begin(void)
{
    submenu_count = 0;
}

static void submenu_add(int action)
{
    submenu[submenu_count++] = (struct submenu_entry){action, 0, 1};
}

static int choose_action(int x, int y, const char *title)
{
    struct list list = {x, y, 78, submenu_count, 0, title, label_action};
    int chosen = choose(&list, LAYOUT_LIST);
    submenu_count = 0;
    return chosen == CHOSEN_NONE ? CHOSEN_NONE : submenu[chosen].action;
}

static void show_page(const char *title, const char *text)
{
    window_layout = LAYOUT_LIST;
    canvas_window(20, 40, 200, 84);
    canvas_text(30, 46, COLOR_YELLOW, title);
    canvas_text(30, 62, COLOR_WHITE, text);
    do
        frame_wait();
    while (!key_pressed(KEY_A | KEY_B));
    canvas_fill(20, 40, 200, 84, COLOR_CLEAR);
}

static void label_item(char *out, int bytes, int index)
{
    item_label(out, bytes, bag[index]);
}

static boolean item_menu(struct entity *entity, int slot)
{
    struct item item = bag[slot];
    submenu_begin();
    if (item.id == ITEM_PEBBLES) {
        submenu_add(ACTION_THROW_STRAIGHT);
        submenu_add(item.flags & ITEM_SET ? ACTION_UNSET : ACTION_SET);
    } else {
        submenu_add(item.id == ITEM_FIREFLY_JAR ? ACTION_USE_JAR : ACTION_EAT);
        if (!item_is_food(item.id) && item.id != ITEM_FIREFLY_JAR)
            submenu_add(ACTION_THROW_ARC);
    }
    submenu_add(ACTION_PLACE);
    submenu_add(ACTION_INFO);
    int action = choose_action(150, 30, NULL);
    if (action == ACTION_INFO) {
        show_page(item_name(item.id), item_description(item.id));
        return 0;
    }
    if (action == ACTION_SET || action == ACTION_UNSET) {
        bag[slot].flags ^= ITEM_SET;
        return 0;
    }
    if (action == CHOSEN_NONE)
        return 0;
    close_menus();
    return use_item(entity, slot, action);
}

static boolean bag_menu(struct entity *entity)
{
    int start = 0;
    for (;;) {
        if (bag_count() == 0) {
            message("The bag is empty.");
            return 0;
        }
        struct list list = {4, 16, 142, bag_count(), start < bag_count() ? start : 0, "Bag", label_item};
        start = choose(&list, LAYOUT_LIST);
        if (start == CHOSEN_NONE)
            return 0;
        int turns = run_turns, count = bag_count();
        if (item_menu(entity, start))
            return 1;
        if (window_layout == LAYOUT_FREE || window_layout == LAYOUT_POPUP || turns != (int)run_turns || count != bag_count())
            return 0;
    }
}

static void label_member(char *out, int bytes, int index)
{
    const struct monster *monster = &dungeon->team[index];
    text_format(out, bytes, "%s  Lv%d  HP %d/%d", team_records[index].name, monster->level, monster->hp, monster->hp_max);
}

static void team_menu(void)
{
    for (;;) {
        struct list list = {4, 16, 200, ally() ? 2 : 1, 0, team_name, label_member};
        int chosen = choose(&list, LAYOUT_LIST);
        team_menu_choice = chosen;
        if (chosen == CHOSEN_NONE)
            return;
        const struct monster *monster = &dungeon->team[chosen];
        char text[120];
        text_format(text, sizeof text, "%s, level %d\nAttack %d   Defence %d\nExp. %d, next at %d\nBelly %d of %d",
                    species_name(monster->species), monster->level, monster->attack[0], monster->defence[0],
                    monster->experience, experience_for_level(monster->level + 1), monster->belly, monster->belly_max);
        show_page(team_records[chosen].name, text);
    }
}

static void draw_log(void)
{
    canvas_window(4, 16, 232, 20 + ROW_HEIGHT * LOG_ROWS);
    canvas_text(12, 20, COLOR_YELLOW, "What happened");
    for (int row = 0; row < LOG_ROWS; row++) {
        const struct log_line *line = &dungeon->log[(dungeon->log_next + LOG_MAX - LOG_ROWS + row) % LOG_MAX];
        if (line->used)
            canvas_text(12, 33 + ROW_HEIGHT * row, COLOR_WHITE, line->text);
    }
}

void menu_log(void)
{
    open_menus();
    window_layout = LAYOUT_LOG;
    draw_log();
    do
        frame_wait();
    while (!key_pressed(KEY_A | KEY_B));
    close_menus();
}

static boolean skills_menu(struct entity *entity)
{
    submenu_begin();
    submenu_add(ACTION_ATTACK);
    if (choose_action(82, 16, "Skills") != ACTION_ATTACK)
        return 0;
    close_menus();
    waiting_end();
    strike(entity, monster_of(entity)->direction);
    return 1;
}

static void label_other(char *out, int bytes, int index)
{
    static const char *const labels[] = {"Messages", "Hints", "Give up"};
    text_copy(out, bytes, labels[index]);
}

static boolean others_menu(void)
{
    struct list list = {82, 16, 84, 3, 0, NULL, label_other};
    switch (choose(&list, LAYOUT_LIST)) {
    case 0:
        menu_log();
        return 0;
    case 1:
        show_page("Hints", "A strikes, A+B waits.\nR: diagonals only. L+R throws.\nSTART turns, SELECT maps.\n"
                           "Fight in the tunnels!");
        return 0;
    case 2:
        close_menus();
        if (dialogue_ask("Burrow", "Give up this run and\nclimb out?"))
            run_end_with(RUN_GAVE_UP);
        return 0;
    }
    return 0;
}

boolean menu_stairs(void)
{
    open_menus();
    submenu_begin();
    submenu_add(ACTION_STAIRS);
    submenu_add(ACTION_CANCEL);
    int action = choose_action(146, 56, "Stairs");
    close_menus();
    if (action != ACTION_STAIRS)
        return 0;
    monster_of(leader())->action = ACTION_STAIRS;
    sound_play(SOUND_STAIRS);
    dungeon->floor_left = 1;
    dungeon->outcome = FLOOR_NEXT;
    return 1;
}

static void ground_menu(struct entity *entity)
{
    if (tile_at(entity->position.x, entity->position.y)->terrain & TERRAIN_STAIRS) {
        dungeon->on_stairs = 1;
        menu_stairs();
        dungeon->on_stairs = 0;
    } else {
        message("Nothing but earth underfoot.");
    }
}

static void label_main(char *out, int bytes, int index)
{
    static const char *const labels[MAIN_COUNT] = {"Skills", "Items", "Team", "Others", "Ground"};
    text_copy(out, bytes, labels[index]);
}

boolean menu_main(struct entity *entity)
{
    int entry = MAIN_ITEMS;
    boolean used = 0;
    open_menus();
    while (!used && dungeon->outcome == FLOOR_RUNNING) {
        struct list list = {4, 16, 72, MAIN_COUNT, entry, NULL, label_main};
        entry = choose(&list, LAYOUT_MAIN_MENU);
        if (entry == CHOSEN_NONE)
            break;
        if (entry == MAIN_TEAM) {
            team_menu();
            continue;
        }
        close_menus();
        if (entry == MAIN_SKILLS)
            used = skills_menu(entity);
        else if (entry == MAIN_ITEMS)
            used = bag_menu(entity);
        else if (entry == MAIN_OTHERS)
            used = others_menu();
        else
            ground_menu(entity);
        if (window_layout == LAYOUT_FREE || window_layout == LAYOUT_POPUP)
            break;
    }
    if (window_layout != LAYOUT_POPUP)
        close_menus();
    return used;
}
