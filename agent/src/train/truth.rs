//! From Burrow's memory to what is so on the picture of the same frame.
//!
//! It follows how the game draws (`burrow/source/render.c`, `minimap.c`, `menu.c`, `message.c`, `dialogue.c`). What memory does not
//! tell for sure is left out.

use super::memory::{Memory, Place, Somebody, Windows};
use super::text::{self, List};
use reader::layout::{CELLS, MAP_FRAME, MAP_LEFT, MAP_TOP, MESSAGE_TOP, STATUS_HEIGHT, TILE, WIDTH, cell_corner};
use reader::truth::{CellTruth, Truth};
use reader::{Being, Canvas, Ground, Hud, Mark, Scene};
use wire::observation::{DIRECTIONS, MAP_HEIGHT, MAP_WIDTH};

/// Brightness below which a floor counts as dark, of 31.
const FLOOR_BRIGHT: u32 = 16;
/// The same of the title, of 32.
const TITLE_BRIGHT: u32 = 16;
/// How near to these a picture is half faded.
const HALF_FADED: u32 = 6;
/// Where tiles lie when nothing moves: the camera's pixel modulo a tile's side.
const REST: (i32, i32) = (12 - 120, 16 - 96);
/// Pixels off that place from which a picture counts as askew; nearer ones are not judged.
const ASKEW_MIN: i32 = 2;
/// The share of a tile that must show something for it to be askew.
const ASKEW_FILLED: f32 = 0.3;
/// Rectangles that lie over a floor: the small map with its frame, and a message.
const MAP_AREA: [i32; 4] = [
    (MAP_LEFT - MAP_FRAME) as i32,
    (MAP_TOP - MAP_FRAME) as i32,
    (MAP_LEFT + MAP_WIDTH + MAP_FRAME) as i32,
    (MAP_TOP + MAP_HEIGHT + MAP_FRAME) as i32,
];
const MESSAGE_AREA: [i32; 4] = [2, MESSAGE_TOP as i32, 238, 159];
const STATUS_AREA: [i32; 4] = [0, 0, WIDTH as i32, STATUS_HEIGHT as i32];

mod terrain {
    pub const KIND: u16 = 3;
    pub const WATER: u16 = 2;
    pub const STAIRS: u16 = 0x200;
}

mod dialogue {
    pub const NONE: u32 = 0;
    pub const PRINTING: u32 = 2;
    pub const CHOICE: u32 = 4;
    pub const END: u32 = 9;
}

/// What is open, where memory does not say which list it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Open {
    /// The bag, or what can be done with one of its items.
    #[default]
    Bag,
    /// The team.
    Team,
    /// The other things to do.
    Others,
    /// A page of text.
    Page,
}

/// What the picture is of, and what memory has said before.
#[derive(Clone, Debug, Default)]
pub struct Context {
    /// Whether the game has waited for a key for some frames, so that nothing is on its way.
    pub is_waiting: bool,
    /// Which list or page is open.
    pub open: Open,
    /// The row of the bag's cursor while what can be done with an item is open.
    pub bag_cursor: Option<u16>,
    /// The skill that is used next.
    pub skill: Option<u8>,
    /// Where somebody blinked a frame ago: what is drawn is as old as that.
    pub blinking: Vec<Place>,
}

/// What is so; nothing at a moment at which memory and picture may differ.
pub fn truth(memory: &Memory<'_>, canvas: &Canvas, context: &Context, widths: &[usize]) -> Option<Truth> {
    let scene = scene(memory, context)?;
    let mut truth = Truth {
        scene,
        is_plain: is_plain(memory),
        cells: Vec::new(),
        minimap: None,
        has_minimap: None,
        lines: None,
        hud: None,
        skill: context.skill.filter(|_| scene == Scene::Floor),
    };
    let shows_status = memory.state() == 1 && memory.floor_runs();
    if scene == Scene::Floor {
        let windows = memory.windows();
        truth.has_minimap = match windows {
            Windows::Nothing => Some(false),
            Windows::Free | Windows::Message if context.is_waiting => Some(true),
            _ => None,
        };
        truth.cells = cells(memory, canvas, context);
        truth.minimap = (truth.has_minimap == Some(true)).then(|| minimap(memory));
    }
    if context.is_waiting && shows_status {
        truth.hud = Some(hud(memory));
        truth.lines = lines(memory, scene, context, widths);
    } else if memory.windows() == Windows::Banner {
        truth.lines = Some(text::banner(memory, widths));
    }
    Some(truth)
}

/// Whether the picture is not between bright and dark.
fn is_plain(memory: &Memory<'_>) -> bool {
    let (light, half) = match memory.state() {
        0 => (memory.title_brightness(), TITLE_BRIGHT),
        _ => (memory.brightness(), FLOOR_BRIGHT),
    };
    light.abs_diff(half) > HALF_FADED
}

fn scene(memory: &Memory<'_>, context: &Context) -> Option<Scene> {
    match memory.state() {
        0 if memory.windows() == Windows::Initial => {
            return Some(if memory.title_brightness() >= TITLE_BRIGHT { Scene::Title } else { Scene::Dark });
        }
        2 | 3 => return context.is_waiting.then_some(Scene::End),
        1 => {}
        _ => return None,
    }
    match memory.dialogue_state() {
        dialogue::NONE => {}
        dialogue::PRINTING | dialogue::END => return Some(Scene::Dialogue),
        dialogue::CHOICE => return Some(Scene::Choice),
        _ => return None,
    }
    let windows = memory.windows();
    if !memory.floor_runs() {
        return match windows {
            Windows::Banner => Some(Scene::Dark),
            Windows::Nothing if memory.brightness() >= FLOOR_BRIGHT => Some(Scene::Floor),
            Windows::Nothing => Some(Scene::Dark),
            _ => None,
        };
    }
    if memory.is_map_open() {
        return context.is_waiting.then_some(Scene::FloorMap);
    }
    match windows {
        Windows::Free | Windows::Message => Some(Scene::Floor),
        Windows::MainMenu if context.is_waiting => Some(Scene::Menu),
        Windows::Log if context.is_waiting => Some(Scene::Log),
        Windows::List if context.is_waiting => Some(if context.open == Open::Page { Scene::Page } else { Scene::Menu }),
        _ => None,
    }
}

fn hud(memory: &Memory<'_>) -> Hud {
    let (hp, hp_max) = memory.hp(0);
    Hud {
        floor: memory.floor_number(),
        level: memory.level(0),
        hp: i32::from(hp),
        hp_max: i32::from(hp_max),
        belly: i32::from(memory.belly()),
        money: memory.money(),
        confidence: 1.0,
    }
}

fn lines(memory: &Memory<'_>, scene: Scene, context: &Context, widths: &[usize]) -> Option<Vec<(u16, u16, String)>> {
    let mut lines = text::status(&hud(memory), widths);
    match scene {
        Scene::Floor => lines.extend(text::message(memory)),
        Scene::FloorMap => {}
        Scene::Log => lines.extend(text::log(memory)),
        Scene::Dialogue | Scene::Choice => lines.extend(text::dialogue(memory, scene == Scene::Choice)),
        Scene::Menu if memory.windows() == Windows::MainMenu => lines.extend(List::Main.lines(memory, None)),
        Scene::Menu => {
            let submenu = memory.submenu();
            let list = match (submenu.is_empty(), context.open) {
                (false, _) => List::Actions(submenu),
                (true, Open::Bag) => List::Bag,
                (true, Open::Team) => List::Team,
                (true, Open::Others) => List::Others,
                (true, Open::Page) => return None,
            };
            if list.lies_over_the_bag() {
                lines.extend(List::Bag.lines(memory, Some(context.bag_cursor?)));
            }
            lines.extend(list.lines(memory, None));
        }
        Scene::Dark | Scene::Title | Scene::Page | Scene::End => return None,
    }
    Some(lines)
}

fn cells(memory: &Memory<'_>, canvas: &Canvas, context: &Context) -> Vec<CellTruth> {
    let (x, y) = memory.camera();
    let off = |pixel: i32, rest: i32| {
        let off = (pixel - rest).rem_euclid(TILE as i32);
        off.min(TILE as i32 - off)
    };
    let askew = off(x, REST.0).max(off(y, REST.1));
    if askew >= ASKEW_MIN {
        return CELLS.into_iter().map(|cell| askew_cell(memory, canvas, cell)).collect();
    }
    if askew > 0 || !context.is_waiting {
        return vec![CellTruth::default(); CELLS.count()];
    }
    let mut everybody = memory.everybody();
    for one in &mut everybody {
        one.blinks |= context.blinking.contains(&one.place);
    }
    let items = memory.items();
    let leader = memory.leader_tile();
    CELLS.into_iter().map(|cell| still_cell(memory, leader, cell, &everybody, &items)).collect()
}

/// The share of a tile's pixels in the picture that show; those over which something lies do not.
fn shown(memory: &Memory<'_>, cell: (i8, i8)) -> f32 {
    let (left, top) = cell_corner(cell);
    let has_map = matches!(memory.windows(), Windows::Free | Windows::Message);
    let areas = [
        Some(STATUS_AREA),
        has_map.then_some(MAP_AREA),
        (memory.windows() == Windows::Message).then_some(MESSAGE_AREA),
    ];
    let is_over = |x: i32, y: i32| {
        areas
            .iter()
            .flatten()
            .any(|[left, top, end_x, end_y]| (*left..*end_x).contains(&x) && (*top..*end_y).contains(&y))
    };
    let side = TILE as i32;
    let pixels = (top..top + side).flat_map(|y| (left..left + side).map(move |x| (x, y)));
    let shown = pixels.filter(|(x, y)| (0..WIDTH as i32).contains(x) && *y < 160 && !is_over(*x, *y));
    shown.count() as f32 / (side * side) as f32
}

fn askew_cell(memory: &Memory<'_>, canvas: &Canvas, cell: (i8, i8)) -> CellTruth {
    let shows_something = canvas.filled(cell_corner(cell), (TILE as i32, TILE as i32)) >= ASKEW_FILLED;
    let ground = match shown(memory, cell) {
        share if share < 0.45 => None,
        _ if shows_something => Some(Ground::Askew),
        _ => None,
    };
    CellTruth { ground, ..CellTruth::default() }
}

fn still_cell(
    memory: &Memory<'_>,
    leader: (i16, i16),
    cell: (i8, i8),
    everybody: &[Somebody],
    items: &[((i16, i16), u8)],
) -> CellTruth {
    if shown(memory, cell) < 0.5 {
        return CellTruth { ground: Some(Ground::Hidden), ..CellTruth::default() };
    }
    let place = (leader.0 + i16::from(cell.0), leader.1 + i16::from(cell.1));
    let tile = memory.tile(place);
    let known = tile.filter(|tile| tile.is_known);
    let ground = match known {
        None => Ground::Unseen,
        Some(tile) if tile.has_trap => Ground::Trap,
        Some(tile) if tile.terrain & terrain::STAIRS != 0 => Ground::Stairs,
        Some(tile) => match tile.terrain & terrain::KIND {
            0 => Ground::Wall,
            terrain::WATER => Ground::Water,
            _ => Ground::Floor,
        },
    };
    let is_drawn = |one: &Somebody| one.is_leader || memory.is_in_sight(one.place) || memory.is_in_sight(one.previous);
    let here = everybody.iter().filter(|one| one.place == place && is_drawn(one));
    let here: Vec<&Somebody> = here.collect();
    let is_disturbed = everybody.iter().any(|one| {
        let is_near = (one.place.0 - place.0).abs().max((one.place.1 - place.1).abs()) <= 1;
        (!one.is_at_rest && is_near) || (one.place == place && one.blinks)
    });
    let being = (!is_disturbed).then(|| {
        here.first().map(|one| Being {
            species: one.species,
            direction: DIRECTIONS[usize::from(one.direction)],
            is_asleep: one.is_asleep,
        })
    });
    let lies = items.iter().find(|(at, _)| *at == place).map(|(_, item)| *item);
    let lies = lies.filter(|_| tile.is_some_and(|tile| tile.is_visited));
    let item = match being {
        Some(None) => Some(lies),
        // Below somebody an item hardly shows.
        Some(Some(_)) => lies.is_none().then_some(None),
        None => None,
    };
    CellTruth {
        // Somebody large, or an item, may lie over what makes a tile.
        ground: Some(ground),
        is_lit: known.map(|_| memory.is_in_sight(place)),
        being,
        item,
    }
}

fn minimap(memory: &Memory<'_>) -> Vec<Mark> {
    let mut marks = vec![Mark::Dark; MAP_WIDTH * MAP_HEIGHT];
    let places = || (0..MAP_HEIGHT as i16).flat_map(|y| (0..MAP_WIDTH as i16).map(move |x| (x, y)));
    for (place, mark) in places().zip(&mut marks) {
        if let Some(tile) = memory.tile(place).filter(|tile| tile.is_known) {
            *mark = match tile.terrain & terrain::KIND {
                0 => Mark::Dark,
                terrain::WATER => Mark::Water,
                _ => Mark::Floor,
            };
        }
    }
    let mut dot = |(x, y): (i16, i16), size: i16, mark: Mark| {
        for (x, y) in (y..y + size).flat_map(|y| (x..x + size).map(move |x| (x, y))) {
            if (0..MAP_WIDTH as i16).contains(&x) && (0..MAP_HEIGHT as i16).contains(&y) {
                marks[y as usize * MAP_WIDTH + x as usize] = mark;
            }
        }
    };
    let tile = |place| memory.tile(place);
    for (place, _) in memory.items() {
        if tile(place).is_some_and(|tile| tile.is_visited) {
            dot(place, 1, Mark::Item);
        }
    }
    let stairs = memory.stairs();
    if tile(stairs).is_some_and(|tile| tile.is_known) {
        dot(stairs, 2, Mark::Stairs);
    }
    for one in memory.everybody().iter().rev() {
        let mark = match () {
            () if one.is_wild && !memory.is_in_sight(one.place) => continue,
            () if one.is_wild => Mark::Foe,
            () if one.is_leader => Mark::Leader,
            () => Mark::Ally,
        };
        dot(one.place, 2, mark);
    }
    marks
}
