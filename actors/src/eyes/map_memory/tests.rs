use super::*;
use crate::profile::Profiles;
use reader::{Being, Cell, Ground, Line, Mark, Minimap, Sure};
use wire::keys;
use wire::observation::{DIRECTIONS, MAP_WIDTH, TILES, Terrain};
use wire::ways::{Ground as Ways, nearest_frontier};

mod any;

const MOLE: u8 = 1;
const SHREW: u8 = 2;
const RAT: u8 = 3;

fn at(x: i16, y: i16) -> Position {
    Position { x, y }
}

fn sure<T>(value: T) -> Sure<T> {
    Sure { value, confidence: 0.99 }
}

fn memory() -> MapMemory {
    let profile = Profiles::built_in().named("burrow").expect("it is built in").clone();
    MapMemory::new(Arc::new(profile.words.expect("it has words")), profile.fields)
}

fn line(x: u16, y: u16, text: &str) -> Line {
    Line { x, y, text: text.to_owned(), confidence: 0.99 }
}

/// A game of which pictures are made: a map drawn with letters, as a player sees it. `#` wall, `.` floor, `~` water, space
/// unknown, `@` leader, `f` and `z` a rat awake and asleep, `a` an ally, `n` a stranger, `!` a turnip, `^` a trap, `>` stairs.
struct Scenery {
    rows: Vec<Vec<char>>,
    hud: Hud,
    messages: Vec<&'static str>,
    direction: Direction,
}

impl Scenery {
    fn new(rows: &[&str]) -> Scenery {
        let hud = Hud { floor: 3, level: 2, hp: 30, hp_max: 40, belly: 80, money: 12, confidence: 0.99 };
        let rows = rows.iter().map(|row| row.chars().collect()).collect();
        Scenery { rows, hud, messages: Vec::new(), direction: Direction::East }
    }

    fn letter(&self, place: Position) -> char {
        let row = usize::try_from(place.y).ok().and_then(|y| self.rows.get(y));
        row.and_then(|row| row.get(usize::try_from(place.x).ok()?)).copied().unwrap_or(' ')
    }

    fn leader(&self) -> Position {
        let place = self.rows.iter().enumerate().find_map(|(y, row)| Some((row.iter().position(|it| *it == '@')?, y)));
        place.map(|(x, y)| at(x as i16, y as i16)).expect("there is a leader")
    }

    fn marks(&self) -> Vec<Mark> {
        let mut marks = vec![Mark::Dark; TILES];
        let places = || (0..TILES).map(|index| (index, self.letter(wire::ways::place_of(index))));
        for (index, letter) in places() {
            marks[index] = match letter {
                ' ' | '#' => Mark::Dark,
                '~' => Mark::Water,
                '!' => Mark::Item,
                _ => Mark::Floor,
            };
        }
        for (letters, mark) in [(">", Mark::Stairs), ("fzn", Mark::Foe), ("a", Mark::Ally), ("@", Mark::Leader)] {
            for (index, _) in places().filter(|(_, letter)| letters.contains(*letter)) {
                for part in [0, 1, MAP_WIDTH, MAP_WIDTH + 1] {
                    marks[index + part] = mark;
                }
            }
        }
        marks
    }

    fn cells(&self) -> Vec<Cell> {
        let leader = self.leader();
        let cell = |dx: i8, dy: i8| {
            let letter = self.letter(at(leader.x + i16::from(dx), leader.y + i16::from(dy)));
            let being = |species, is_asleep| Some(Being { species, direction: self.direction, is_asleep });
            Cell {
                dx,
                dy,
                ground: sure(match letter {
                    ' ' => Ground::Unseen,
                    '#' => Ground::Wall,
                    '~' => Ground::Water,
                    '^' => Ground::Trap,
                    '>' => Ground::Stairs,
                    _ => Ground::Floor,
                }),
                is_lit: true,
                being: sure(match letter {
                    '@' => being(MOLE, false),
                    'a' | 'n' => being(SHREW, false),
                    'f' => being(RAT, false),
                    'z' => being(RAT, true),
                    _ => None,
                }),
                item: sure((letter == '!').then_some(82)),
            }
        };
        (-3..=2).flat_map(|dy| (-5..=5).map(move |dx| cell(dx, dy))).collect()
    }

    fn reading(&self) -> Reading {
        let text = |(row, text): (u16, &&str)| line(9, 133 + 12 * row, text);
        Reading {
            scene: sure(Scene::Floor),
            cells: self.cells(),
            minimap: Some(Minimap { leader: Some(sure(self.leader())), marks: self.marks() }),
            lines: (0..).zip(&self.messages).map(text).collect(),
            hud: Some(self.hud),
            ..Reading::default()
        }
    }

    /// The leader goes to a place.
    fn go(&mut self, to: Position) {
        let from = self.leader();
        self.rows[from.y as usize][from.x as usize] = '.';
        self.rows[to.y as usize][to.x as usize] = '@';
    }
}

/// A room of six by five with an exit to the east, and all that lies in it.
fn room() -> Scenery {
    Scenery::new(&[
        "         ",
        " ########",
        " #......#",
        " #.@....#",
        " #..!...#",
        " #.......",
        " #.....~#",
        " ########",
        "         ",
    ])
}

fn seen(memory: &MapMemory) -> Observation {
    let mut observation = Observation::default();
    memory.observation(&mut observation);
    observation
}

fn look(memory: &mut MapMemory, scenery: &Scenery) -> Observation {
    let frame = memory.state.frame + 16;
    memory.look(frame, &scenery.reading(), true);
    seen(memory)
}

fn darkness(memory: &mut MapMemory) {
    memory.glimpse(&Reading { scene: sure(Scene::Dark), ..Reading::default() });
}

fn look_at(memory: &mut MapMemory, scene: Scene, lines: &[Line], hud: Option<Hud>) -> Observation {
    let frame = memory.state.frame + 16;
    let reading = Reading { scene: sure(scene), lines: lines.to_vec(), hud, ..Reading::default() };
    memory.look(frame, &reading, true);
    seen(memory)
}

#[test]
fn a_picture_becomes_an_observation() {
    let mut memory = memory();
    let now = look(&mut memory, &room());
    assert_eq!((now.screen, now.floor, now.dungeon, now.last_floor), (Screen::Command, 3, 1, 20));
    assert_eq!((now.money, now.belly, now.turns_left), (12, Meter { value: 80, max: 100 }, 1000));
    let leader = now.leader().expect("it is there");
    assert_eq!((leader.position, leader.direction, leader.level), (at(3, 3), Direction::East, 2));
    assert_eq!(leader.hp, Some(Meter { value: 30, max: 40 }));
    let items: Vec<_> = now.items.iter().map(|item| (item.position, item.item)).collect();
    assert_eq!(items, [(at(4, 4), 82)]);
    let terrain = |x, y| now.tile(at(x, y)).map(|tile| (tile.terrain, tile.revealed));
    assert_eq!(terrain(7, 6), Some((Terrain::Secondary, true)));
    assert_eq!(terrain(1, 1), Some((Terrain::Wall, true)));
    assert_eq!(terrain(0, 0), Some((Terrain::Unknown, false)));
    assert_eq!(now.fields[..2], [1, 0], "a game is being played");
}

#[test]
fn corners_are_not_cut_and_nothing_unknown_is_stepped_on() {
    let mut memory = memory();
    let now = look(&mut memory, &room());
    let steps = |x, y| {
        let tile = now.tile(at(x, y)).expect("it is on the map");
        DIRECTIONS.into_iter().filter(|it| tile.walkable >> *it as u8 & 1 == 1).map(Direction::name).collect::<Vec<_>>()
    };
    assert_eq!(steps(2, 2), ["S", "SE", "E"]);
    assert_eq!(steps(7, 5), ["E", "N", "NW", "W", "SW"], "not into water, not around the wall, not into the dark");
    assert_eq!(steps(1, 1), [""; 0]);
}

#[test]
fn a_room_ends_at_its_walls_and_the_map_at_its_exit() {
    let mut memory = memory();
    let mut wide = vec!["                     ".to_string(), format!(" {}", "#".repeat(20))];
    for row in 0..8 {
        let (first, last) = (if row == 6 { '.' } else { '#' }, '#');
        wide.push(format!(" {first}{}{last}", ".".repeat(18)));
    }
    wide.push(format!(" {}", "#".repeat(20)));
    wide[3].replace_range(17..18, "@");
    let rows: Vec<&str> = wide.iter().map(String::as_str).collect();
    let mut scenery = Scenery::new(&rows);
    // Of a wide room only a part is in view; the small map shows its ground.
    let now = look(&mut memory, &scenery);
    assert_eq!(now.tile(at(1, 4)).map(|tile| tile.terrain), Some(Terrain::Wall), "beside what the small map shows");
    assert!(now.tile(at(5, 5)).is_some_and(|tile| tile.room == 0));
    let reach = Ways::of(&now, &[]).reach(at(17, 3));
    assert_eq!(nearest_frontier(&now, &reach).map(|place| place.x), Some(1), "only the exit leads on");
    scenery.go(at(3, 8));
    let now = look(&mut memory, &scenery);
    assert_eq!(now.tile(at(0, 8)).map(|tile| tile.revealed), Some(false));
}

#[test]
fn stairs_are_found_on_the_small_map() {
    let mut memory = memory();
    let mut scenery = room();
    scenery.rows[5][6] = '>';
    assert_eq!(look(&mut memory, &scenery).stairs, Some(at(6, 5)));
    scenery.rows[5][6] = 'f';
    assert_eq!(look(&mut memory, &scenery).stairs, Some(at(6, 5)), "somebody stands on them");
}

#[test]
fn what_a_dot_covers_is_no_wall_even_where_the_whole_floor_is_shown() {
    let mut memory = memory();
    let scenery = Scenery::new(&["", "", " @..................", "            >      "]);
    look(&mut memory, &scenery);
    memory.state.map.is_shown = true;
    let seen = look(&mut memory, &scenery);
    let terrain = |x, y| seen.tile(at(x, y)).map(|tile| tile.terrain);
    assert_eq!([terrain(12, 3), terrain(20, 20)], [Some(Terrain::Floor), Some(Terrain::Wall)]);
    assert_eq!([terrain(13, 3), terrain(12, 4), terrain(13, 4)], [Some(Terrain::Unknown); 3]);
}

#[test]
fn who_is_about_keeps_its_number_and_sides_are_told_apart() {
    let mut memory = memory();
    let mut scenery = room();
    scenery.rows[3][5] = 'f';
    scenery.rows[5][3] = 'z';
    scenery.rows[2][2] = 'n';
    let now = look(&mut memory, &scenery);
    let others = |now: &Observation| {
        now.monsters.iter().filter(|it| !it.is_leader).map(|it| (it.slot, it.spawn_id, it.position)).collect::<Vec<_>>()
    };
    let first = others(&now);
    assert_eq!(first.len(), 3);
    assert_eq!(now.monsters.iter().filter(|it| it.is_neutral).map(|it| it.position).collect::<Vec<_>>(), [at(2, 2)]);
    assert_eq!(
        now.monsters.iter().filter(|it| it.is_incapacitated).map(|it| it.position).collect::<Vec<_>>(),
        [at(3, 5)]
    );
    scenery.rows[3][5] = '.';
    scenery.rows[3][4] = 'f';
    scenery.rows[2][2] = 'a';
    let now = look(&mut memory, &scenery);
    let moved = others(&now);
    let id = |all: &[(u8, u16, Position)], place| all.iter().find(|it| it.2 == place).map(|it| (it.0, it.1));
    assert_eq!(id(&first, at(5, 3)), id(&moved, at(4, 3)), "the rat came nearer");
    assert_eq!(id(&first, at(3, 5)), id(&moved, at(3, 5)));
    let ally = now.monster_at(at(2, 2)).expect("it came along");
    assert!(ally.is_team && ally.slot < 4, "{ally:?}");
    assert!(now.monsters.windows(2).all(|pair| pair[0].is_team || !pair[1].is_team), "the team comes first");
}

#[test]
fn who_seems_to_stand_where_little_shows_counts_only_with_a_dot() {
    for (dot, count) in [(false, 1), (true, 2)] {
        let mut scenery = room();
        if dot {
            scenery.rows[5][7] = 'f';
        }
        let mut reading = scenery.reading();
        let place = (7 - scenery.leader().x, 5 - scenery.leader().y);
        let cell = reading.cells.iter_mut().find(|cell| (i16::from(cell.dx), i16::from(cell.dy)) == place);
        let cell = cell.expect("it is in view");
        cell.ground = sure(Ground::Hidden);
        cell.being = Sure { value: Some(Being { species: RAT, ..Being::default() }), confidence: 0.7 };
        let mut memory = memory();
        memory.look(1, &reading, true);
        assert_eq!(seen(&memory).monsters.len(), count, "dot {dot}");
    }
}

#[test]
fn acts_are_counted_as_turns_when_the_game_took_them() {
    let mut memory = memory();
    let mut scenery = room();
    assert_eq!(look(&mut memory, &scenery).turns, 0);
    memory.press(&keys::step(Direction::North).keys);
    scenery.go(at(3, 2));
    assert_eq!(look(&mut memory, &scenery).turns, 1);
    memory.press(&keys::step(Direction::North).keys);
    assert_eq!(look(&mut memory, &scenery).turns, 1, "against a wall nobody steps");
    memory.press(&keys::pass_turn().keys);
    let now = look(&mut memory, &scenery);
    assert_eq!((now.turns, now.turns_left), (2, 998));
    memory.press(&keys::press(Button::Start as u16).keys);
    assert!(look(&mut memory, &scenery).is_turning);
    memory.press(&keys::step(Direction::North).keys);
    assert!(look(&mut memory, &scenery).is_turning);
    memory.press(&keys::stop_turning().keys);
    let now = look(&mut memory, &scenery);
    assert_eq!((now.is_turning, now.turns), (false, 2));
    memory.press(&keys::press(Button::A as u16).keys);
    assert_eq!(look(&mut memory, &scenery).turns, 3);
}

#[test]
fn a_new_floor_is_a_new_map() {
    let mut memory = memory();
    let mut scenery = room();
    look(&mut memory, &scenery);
    scenery = Scenery::new(&["   ", "   ", "  ###", "  #@.", "  ###"]);
    scenery.hud.floor = 4;
    darkness(&mut memory);
    let now = look(&mut memory, &scenery);
    assert_eq!((now.floor, now.turns_left, now.items.len()), (4, 1000, 0));
    assert_eq!(now.tile(at(7, 4)).map(|tile| tile.revealed), Some(false));
}

#[test]
fn one_picture_alone_changes_neither_floor_nor_life() {
    let mut memory = memory();
    let mut scenery = room();
    look(&mut memory, &scenery);
    scenery.hud.floor = 13;
    let now = look(&mut memory, &scenery);
    assert_eq!((now.floor, now.screen), (3, Screen::Motion), "it is looked at again");
    let now = look_at(&mut memory, Scene::End, &[line(90, 107, "Game over")], None);
    assert_eq!((now.floor, now.fields[0]), (3, 1));
    scenery.hud.floor = 3;
    assert_eq!(look(&mut memory, &scenery).screen, Screen::Command);
    // What is said again and again is believed: somebody else may have changed the game.
    scenery.hud.floor = 5;
    let floors = [(); SURPRISES_MIN as usize].map(|()| look(&mut memory, &scenery).floor);
    assert_eq!(floors, [3, 3, 5]);
}

#[test]
fn lives_begin_at_the_title_and_end_with_the_screen_that_says_so() {
    let mut memory = memory();
    let now = look_at(&mut memory, Scene::Title, &[line(80, 140, "Press START")], None);
    assert_eq!((now.screen, now.floor, now.fields[0]), (Screen::Title, 0, 0));
    look(&mut memory, &room());
    let said = [line(12, 110, "Moss"), line(12, 122, "My paws give way..."), line(12, 134, "Everything goes dark.")];
    let now = look_at(&mut memory, Scene::Dialogue, &said, None);
    assert_eq!(
        (now.screen, now.dialogue.text.as_str()),
        (Screen::Dialogue, "My paws give way... Everything goes dark.")
    );
    darkness(&mut memory);
    let now = look_at(&mut memory, Scene::End, &[line(90, 107, "Game over")], None);
    assert_eq!((now.screen, now.floor, now.fields[0]), (Screen::Transition, 0, 2));
    let now = look_at(&mut memory, Scene::End, &[line(70, 107, "Out into the meadow!")], None);
    assert_eq!(now.fields[0], 3);
    assert!(memory.doubts_bag(), "another life has another bag");
}

fn menu(x: u16, y: u16, entries: &[&str], cursor: usize) -> Vec<Line> {
    let mut lines: Vec<Line> = (0..).zip(entries).map(|(row, entry)| line(x + 9, y + 12 * row, entry)).collect();
    lines.push(line(x, y + 12 * cursor as u16, ">"));
    lines
}

#[test]
fn menus_and_the_bag_are_read_and_what_is_used_is_gone() {
    let mut memory = memory();
    let scenery = room();
    look(&mut memory, &scenery);
    assert!(memory.doubts_bag());
    let main = menu(11, 20, &["Skills", "Items", "Team", "Others", "Ground"], 1);
    let now = look_at(&mut memory, Scene::Menu, &main, Some(scenery.hud));
    assert_eq!((now.screen, now.menu.cursor), (Screen::Menu(MenuKind::Main), 1));
    let mut bag = menu(11, 32, &["Turnip", "Dewberry", "5 Pebbles *"], 2);
    bag.push(line(12, 20, "Bag"));
    let now = look_at(&mut memory, Scene::Menu, &bag, Some(scenery.hud));
    assert_eq!((now.screen, now.menu.cursor, now.menu.actions.len()), (Screen::Menu(MenuKind::List), 2, 0));
    let held = |now: &Observation| now.bag.iter().map(|it| (it.item, it.quantity, it.set)).collect::<Vec<_>>();
    assert_eq!(held(&now), [(82, 1, false), (55, 1, false), (8, 5, true)]);
    assert!(!memory.doubts_bag());
    let over = [bag.clone(), menu(157, 34, &["Throw", "Unset", "Place", "Info"], 0)].concat();
    let now = look_at(&mut memory, Scene::Menu, &over, Some(scenery.hud));
    let actions: Vec<u16> = now.menu.actions.iter().map(|entry| entry.action).collect();
    assert_eq!(actions, [action::THROW_STRAIGHT, 0x3D, 0x08, 0x0C]);
    let mut bag = menu(11, 32, &["Turnip", "Dewberry", "5 Pebbles *"], 0);
    bag.push(line(12, 20, "Bag"));
    look_at(&mut memory, Scene::Menu, &bag, Some(scenery.hud));
    let over = [bag, menu(157, 34, &["Eat", "Throw", "Place", "Info"], 0)].concat();
    let now = look_at(&mut memory, Scene::Menu, &over, Some(scenery.hud));
    assert_eq!(now.menu.actions[1].action, action::THROW);
    memory.press(&keys::menu(Button::A as u16).keys);
    let mut after = room();
    after.messages = vec!["Moss eats: Turnip.", "Moss's belly is full."];
    let now = look(&mut memory, &after);
    assert_eq!((held(&now), now.turns), (vec![(55, 1, false), (8, 5, true)], 1));
    assert_eq!(now.message, "Moss's belly is full.");
    assert!(!memory.doubts_bag());
}

#[test]
fn the_menu_of_the_stairs_offers_to_go_down() {
    let mut memory = memory();
    look(&mut memory, &room());
    let mut lines = menu(153, 72, &["Go down", "Stay"], 0);
    lines.push(line(154, 60, "Stairs"));
    let now = look_at(&mut memory, Scene::Menu, &lines, None);
    assert_eq!(now.menu.actions.first().map(|entry| entry.action), Some(action::STAIRS));
}

#[test]
fn what_is_taken_up_is_in_the_bag_and_what_stays_lies_there() {
    let mut memory = memory();
    let mut scenery = room();
    look(&mut memory, &scenery);
    memory.state.bag.empty();
    memory.press(&keys::step(Direction::SouthEast).keys);
    scenery.go(at(4, 4));
    scenery.messages = vec!["The bag is full: Turnip stays."];
    let now = look(&mut memory, &scenery);
    assert_eq!((now.items.len(), now.bag.len()), (1, 0));
    // The same once more, with the message missed: what lay there is what was taken up.
    let mut memory = MapMemory::new(memory.words.clone(), Vec::new());
    let mut scenery = room();
    look(&mut memory, &scenery);
    memory.state.bag.empty();
    memory.press(&keys::step(Direction::SouthEast).keys);
    scenery.go(at(4, 4));
    let now = look(&mut memory, &scenery);
    assert_eq!((now.items.len(), now.bag.iter().map(|it| it.item).collect::<Vec<_>>()), (0, vec![82]));
    scenery.messages = vec!["Moss picked up: 3 Pebbles."];
    let now = look(&mut memory, &scenery);
    assert_eq!(now.bag.iter().map(|it| (it.item, it.quantity)).collect::<Vec<_>>(), [(82, 1), (8, 3)]);
    scenery.messages.push("The Phoenix Seed glows. Moss wakes!");
    look(&mut memory, &scenery);
    assert!(memory.doubts_bag(), "there was none that it knew of");
}

#[test]
fn poison_lasts_until_it_is_cured() {
    let mut memory = memory();
    let mut scenery = room();
    scenery.messages = vec!["Moss is poisoned!"];
    assert!(look(&mut memory, &scenery).leader().is_some_and(|leader| leader.is_ailing));
    scenery.messages.push("Moss's head is clear again.");
    assert!(look(&mut memory, &scenery).leader().is_some_and(|leader| !leader.is_ailing));
}

#[test]
fn what_is_saved_goes_on_as_it_was() {
    let mut memory = memory();
    look(&mut memory, &room());
    let saved = memory.save().expect("it is small");
    let mut other = MapMemory::new(memory.words.clone(), memory.fields.clone());
    other.restore(&saved).expect("it was just saved");
    assert_eq!(seen(&other), seen(&memory));
    assert!(other.restore(&saved[..saved.len() / 2]).is_err());
    assert_eq!(seen(&other), seen(&memory));
}
