//! How a run is drawn: the picture and the map beside each other, what the agent does and why, and below them steps, processes,
//! models or notices.

use super::app::{App, Below};
use super::floor::{SIZE, Spot};
use super::graphics::{Graphics, Picture};
use super::past::Past;
use crate::run_log::parts;
use crate::spectator::{Game, Process, Step};
use ratatui::Frame;
use ratatui::buffer::CellDiffOption;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style, Stylize as _};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Cell, Clear, Paragraph, Row, Sparkline, Table, Wrap};
use std::sync::Arc;
use wire::event::Level;

/// Rows of cells of the picture and of the map at most.
const PICTURE_ROWS: u16 = 20;
/// The picture's columns of cells: as many as 240 pixels are at two to one with those rows.
const PICTURE_COLUMNS: u16 = 60;
const BAR_CELLS: usize = 10;
const HELP: &str =
    " ←→ steps  PgUp/PgDn 100  End now  Tab game  1 steps 2 processes 3 models 4 notices  ? keys  q leave";
const KEYS: &str = "\
left, right      the step before, the step after; time stands still meanwhile
Page Up, Down    a hundred steps
Home, End        the first step, and back to now
space            let time stand still, and go on
Tab              the next game
1 2 3 4          steps, processes, models, notices
q                leave; the run goes on";

/// Draws everything.
pub fn draw(frame: &mut Frame<'_>, app: &mut App, graphics: Graphics) {
    let [head, body, below, help] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Max(PICTURE_ROWS),
        Constraint::Min(6),
        Constraint::Length(1),
    ])
    .areas(frame.area());
    draw_head(frame, head, app);
    let [picture, side] =
        Layout::horizontal([Constraint::Max(PICTURE_COLUMNS.min(body.height * 3)), Constraint::Min(20)]).areas(body);
    app.picture_area = None;
    draw_picture(frame, picture, app, graphics);
    draw_side(frame, side, app);
    match app.below {
        Below::Steps => draw_steps(frame, below, app),
        Below::Processes => draw_processes(frame, below, app),
        Below::Models => draw_models(frame, below, app),
        Below::Notices => draw_notices(frame, below, app),
    }
    frame.render_widget(Paragraph::new(HELP).dim(), help);
    if app.has_help {
        let [area] = Layout::vertical([Constraint::Length(9)]).flex(ratatui::layout::Flex::Center).areas(frame.area());
        frame.render_widget(Clear, area);
        frame.render_widget(Paragraph::new(KEYS).block(Block::bordered().title(" keys ")), area);
    }
}

fn draw_head(frame: &mut Frame<'_>, area: Rect, app: &App) {
    let state = match (&app.past, &app.spectator.end, app.is_live()) {
        (Some(_), ..) => Span::styled(" PAST ", Style::new().black().on_yellow()),
        (_, Some(end), _) => Span::styled(format!(" ended, {end} "), Style::new().black().on_gray()),
        (_, _, true) => Span::styled(" LIVE ", Style::new().black().on_green()),
        (_, _, false) => Span::styled(" no emulator ", Style::new().black().on_red()),
    };
    let games = app.spectator.games.len();
    let game = if games > 1 { format!("  game {} of {games}", app.game) } else { String::new() };
    let mut line = Line::from(vec![state, Span::raw(format!(" {}{game}  {}", app.name, app.spectator.what))]);
    for ((_, alert), detail) in &app.spectator.alerts {
        line.push_span(Span::styled(format!("  ! {alert}: {detail}"), Style::new().red().bold()));
    }
    frame.render_widget(line, area);
}

fn draw_picture(frame: &mut Frame<'_>, area: Rect, app: &mut App, graphics: Graphics) {
    let snapshot = match app.picture_of_step() {
        Ok(snapshot) => snapshot,
        Err(why) => {
            frame.render_widget(Paragraph::new(why).wrap(Wrap { trim: true }).dim(), area);
            return;
        }
    };
    if graphics != Graphics::Cells {
        for y in area.top()..area.bottom() {
            for x in area.left()..area.right() {
                frame.buffer_mut()[(x, y)].set_diff_option(CellDiffOption::Skip);
            }
        }
        app.picture_area = Some(area);
        return;
    }
    let picture = Picture::from(snapshot);
    let size = (usize::from(area.width), usize::from(area.height) * 2);
    for y in 0..area.height {
        for x in 0..area.width {
            let colour = |row: u16| {
                let [red, green, blue] = picture.scaled((x.into(), (2 * y + row).into()), size);
                Color::Rgb(red, green, blue)
            };
            let cell = &mut frame.buffer_mut()[(area.x + x, area.y + y)];
            cell.set_symbol("▀").set_fg(colour(0)).set_bg(colour(1));
        }
    }
}

fn draw_side(frame: &mut Frame<'_>, area: Rect, app: &App) {
    let map_rows = (SIZE.1 / 2) as u16;
    let (of_step, of_now) = (app.map_of_step.as_deref(), app.map());
    let mut text = area;
    let spots = of_step.or(of_now).filter(|_| area.width > SIZE.0 as u16 + 30 && area.height > map_rows);
    if let Some(spots) = spots {
        let map;
        [text, map] = Layout::horizontal([Constraint::Min(30), Constraint::Length(SIZE.0 as u16)]).areas(area);
        draw_map(frame, map, spots);
    }
    let mut lines = Vec::new();
    if let (Some(step), Some(game)) = (app.step(), app.spectator.games.get(&app.game)) {
        lines = status_lines(step, game, app.past.is_none());
        if app.past.is_some() && spots.is_some() && of_step.is_none() {
            lines.push(Line::from("the map is of now").yellow());
        }
    }
    frame.render_widget(
        Paragraph::new(lines).wrap(Wrap { trim: false }),
        text.inner(ratatui::layout::Margin::new(1, 0)),
    );
}

fn status_lines(step: &Step, game: &Game, is_now: bool) -> Vec<Line<'static>> {
    let done = &step.done;
    let state = done.state;
    let place = if state.floor == 0 { "outside".to_string() } else { format!("floor {}", state.floor) };
    let rate = if is_now { format!("  {:.1} steps/s", game.rates.steps_per_s()) } else { String::new() };
    let mut lines = vec![
        Line::from(format!("step {}  frame {}{rate}", step.step, step.frame)).bold(),
        Line::from(format!("{place}  ({}, {})  turn {}  lives ended {}", state.x, state.y, state.turns, game.lives)),
        Line::from(vec![
            Span::raw("HP    "),
            bar(state.hp, state.max_hp, Color::Green),
            Span::raw(format!(" {}/{}", state.hp, state.max_hp)),
        ]),
        Line::from(vec![
            Span::raw("belly "),
            bar(state.belly, 100, Color::Yellow),
            Span::raw(format!(" {}", state.belly)),
        ]),
        Line::default(),
        Line::from(vec![
            Span::styled(done.skill.clone(), Style::new().cyan().bold()),
            Span::raw(format!(": {} → {}", done.action, done.effect)),
        ]),
        Line::from(format!("why: {}", done.reason)),
    ];
    if is_now && !game.goal.is_empty() {
        lines.push(Line::from(format!("goal: {}", game.goal)));
    }
    lines.push(Line::from(format!(
        "keys: {}{}",
        done.keys,
        if done.keys_seen == Some(false) { " (not seen!)" } else { "" }
    )));
    let decided = match (&done.tier, &done.fallback) {
        (Some(tier), _) => format!("{} ({tier}, {})", done.brain, done.source.as_deref().unwrap_or("model")),
        (None, Some(why)) => format!("{} (no model: {why})", done.brain),
        (None, None) => done.brain.clone(),
    };
    let sure = done.confidence.map_or_else(String::new, |sure| format!(", sure {sure:.2}"));
    lines.push(Line::from(format!("decided by {decided}, eyes {}{sure}", done.eyes)));
    lines.push(Line::from(format!("pixels {}  memory {}", done.frame_hash, done.ram_hash)).dim());
    lines.push(Line::default());
    lines.push(latency_line(step));
    lines
}

/// Where the step's time went.
fn latency_line(step: &Step) -> Line<'static> {
    let latency = &step.done.latency;
    let ms = |us: u64| us as f64 / 1e3;
    let parts = parts(latency).into_iter().filter(|(_, us)| *us > 0);
    let parts = parts.map(|(name, us)| format!("{name} {:.1}", ms(us)));
    let parts: Vec<String> = parts.collect();
    Line::from(format!(
        "{:.1} ms, {:.1} of it overhead: {}",
        ms(latency.total_us),
        ms(latency.overhead_us),
        parts.join(", ")
    ))
}

fn bar(value: i32, most: i32, colour: Color) -> Span<'static> {
    let full = if most <= 0 { 0 } else { (value.clamp(0, most) as usize * BAR_CELLS).div_ceil(most as usize) };
    Span::styled("█".repeat(full) + &"░".repeat(BAR_CELLS - full), Style::new().fg(colour))
}

fn draw_map(frame: &mut Frame<'_>, area: Rect, spots: &[Spot]) {
    let spot = |x: usize, y: usize| spots.get(y * SIZE.0 + x).copied().unwrap_or_default();
    for row in 0..(SIZE.1 / 2).min(area.height.into()) {
        for column in 0..SIZE.0.min(area.width.into()) {
            let cell = &mut frame.buffer_mut()[(area.x + column as u16, area.y + row as u16)];
            let (upper, lower) = (colour(spot(column, 2 * row)), colour(spot(column, 2 * row + 1)));
            cell.set_symbol("▀").set_fg(upper).set_bg(lower);
        }
    }
    let legend = Rect { y: area.y + (SIZE.1 / 2) as u16, height: 1, ..area };
    if legend.bottom() <= area.bottom() {
        let mark = |text: &'static str, spot: Spot| Span::styled(format!("■ {text} "), Style::new().fg(colour(spot)));
        let marks = [
            mark("leader", Spot::Leader),
            mark("ally", Spot::Ally),
            mark("foe", Spot::Foe),
            mark("item", Spot::Item),
            mark("stairs", Spot::Stairs),
            mark("trap", Spot::Trap),
        ];
        frame.render_widget(Line::from(marks.to_vec()), legend);
    }
}

fn colour(spot: Spot) -> Color {
    let (red, green, blue) = match spot {
        Spot::Unknown => (12, 12, 16),
        Spot::Wall => (48, 50, 60),
        Spot::Floor => (150, 146, 134),
        Spot::Water => (40, 92, 170),
        Spot::Stairs => (250, 140, 20),
        Spot::Trap => (190, 60, 190),
        Spot::Item => (60, 220, 230),
        Spot::Foe => (230, 40, 40),
        Spot::Ally => (70, 210, 90),
        Spot::Leader => (255, 230, 60),
    };
    Color::Rgb(red, green, blue)
}

fn draw_steps(frame: &mut Frame<'_>, area: Rect, app: &App) {
    let steps = match &app.past {
        Some(past) => Some((past.steps(), past.place())),
        None => app.spectator.games.get(&app.game).map(|game| (&game.steps, game.steps.len().saturating_sub(1))),
    };
    let Some((steps, place)) = steps else {
        return frame.render_widget(Paragraph::new("no step yet").dim().block(titled("steps")), area);
    };
    let rows = usize::from(area.height.saturating_sub(3));
    // The step that is looked at stays in sight, with those after it below.
    let last = (place + rows / 3 + 1).min(steps.len());
    let first = last.saturating_sub(rows);
    let rows = steps.range(first..last).enumerate().map(|(at, step)| step_row(step, first + at == place));
    // A number that is cut off would be another one.
    let digits = steps.back().map_or(0, |step| step.step.to_string().len());
    let widths = [
        Constraint::Length(digits.max(7) as u16),
        Constraint::Length(16),
        Constraint::Length(24),
        Constraint::Length(14),
        Constraint::Length(14),
        Constraint::Fill(1),
        Constraint::Length(9),
    ];
    let head = Row::new(["step", "skill", "action", "effect", "floor", "why", "ms"]).dim();
    let title = match app.past.as_ref().and_then(Past::problem) {
        Some(problem) => format!("steps; the log cannot be read: {problem}"),
        None => "steps".to_string(),
    };
    frame.render_widget(Table::new(rows, widths).header(head).block(titled(&title)), area);
}

fn step_row(step: &Arc<Step>, is_chosen: bool) -> Row<'static> {
    let done = &step.done;
    let state = done.state;
    let row = Row::new([
        step.step.to_string(),
        done.skill.clone(),
        done.action.clone(),
        done.effect.clone(),
        format!("{} HP {}", state.floor, state.hp),
        done.reason.clone(),
        format!("{:.1}", done.latency.total_us as f64 / 1e3),
    ]);
    match (is_chosen, done.effect.as_str()) {
        (true, _) => row.style(Style::new().add_modifier(Modifier::REVERSED)),
        (_, "none") => row.style(Style::new().yellow()),
        _ => row,
    }
}

fn draw_processes(frame: &mut Frame<'_>, area: Rect, app: &App) {
    let rows = app.spectator.processes.iter().map(|((role, instance), process)| {
        let Process { pid, epoch, state, restarts, resident_bytes, busy_permille, .. } = process;
        let name = instance.filter(|instance| *instance > 0).map_or(role.clone(), |game| format!("{role} {game}"));
        let row = Row::new([
            name,
            pid.to_string(),
            epoch.to_string(),
            restarts.to_string(),
            format!("{:.1} MiB", *resident_bytes as f64 / f64::from(1 << 20)),
            format!("{:.1} %", *busy_permille as f64 / 10.0),
            state.clone(),
        ]);
        if state.starts_with("died") { row.style(Style::new().red()) } else { row }
    });
    let widths = [20, 9, 6, 9, 12, 10].map(Constraint::Length);
    let widths = widths.into_iter().chain([Constraint::Fill(1)]);
    let head = Row::new(["process", "pid", "life", "restarts", "memory", "processor", "state"]).dim();
    frame.render_widget(Table::new(rows, widths).header(head).block(titled("processes")), area);
}

fn draw_models(frame: &mut Frame<'_>, area: Rect, app: &App) {
    let [left, right] = Layout::horizontal([Constraint::Fill(1), Constraint::Fill(1)]).areas(area);
    let routed = &app.spectator.routed;
    let sources: Vec<String> = routed.sources.iter().map(|(source, count)| format!("{source} {count}")).collect();
    let mut lines = vec![
        Line::from(format!(
            "decisions: {}",
            if sources.is_empty() { "no router".to_string() } else { sources.join(", ") }
        )),
        Line::from(format!("caches hit {:.1} %, {} questions wait", routed.hit_rate * 100.0, routed.waiting)),
        Line::from(format!(
            "question to answer p50 {:.1} ms, p99 {:.1} ms",
            routed.took_us.0 as f64 / 1e3,
            routed.took_us.1 as f64 / 1e3
        )),
    ];
    lines.extend(routed.tiers.iter().map(|(tier, (answered, others, last_us))| {
        Line::from(format!(
            "tier {tier}: {answered} answered, {others} not, the last in {:.1} ms",
            *last_us as f64 / 1e3
        ))
    }));
    frame.render_widget(Paragraph::new(lines).block(titled("router")), left);
    let Some(game) = app.spectator.games.get(&app.game) else { return };
    let count = usize::from(right.width.saturating_sub(2));
    let series = [
        ("steps a second", game.rates.steps(count), None),
        ("overhead of a step, µs", game.rates.overhead_us(count), None),
        ("hit points, %", game.rates.hp_percent(count), Some(100)),
    ];
    let areas = Layout::vertical(series.each_ref().map(|_| Constraint::Fill(1))).split(right);
    for ((title, data, most), area) in series.into_iter().zip(areas.iter()) {
        let last = data.last().copied().unwrap_or(0);
        let mut line = Sparkline::default().data(data).block(titled(&format!("{title}: {last}")));
        if let Some(most) = most {
            line = line.max(most);
        }
        frame.render_widget(line, *area);
    }
}

fn draw_notices(frame: &mut Frame<'_>, area: Rect, app: &App) {
    let rows = usize::from(area.height.saturating_sub(2));
    let notices = &app.spectator.notices;
    let rows = notices.range(notices.len().saturating_sub(rows)..).map(|notice| {
        let row = Row::new([
            Cell::from(notice.ts.get(11..19).unwrap_or_default().to_string()),
            Cell::from(notice.event.clone()),
            Cell::from(notice.text.clone()),
        ]);
        match notice.level {
            Level::Info => row,
            Level::Warn => row.style(Style::new().yellow()),
            Level::Error => row.style(Style::new().red()),
        }
    });
    let widths = [Constraint::Length(9), Constraint::Length(18), Constraint::Fill(1)];
    frame.render_widget(Table::new(rows, widths).block(titled("notices")), area);
}

fn titled(title: &str) -> Block<'static> {
    Block::bordered().title(format!(" {title} ")).border_style(Style::new().dim())
}
