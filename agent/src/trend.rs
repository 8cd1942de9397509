//! Whether a process's memory grows: a line through its samples, with the interval of its slope.

/// The first part of a life in which memory fills up anyway.
const WARM_UP: f64 = 0.25;
/// Fewer samples say nothing.
const SAMPLES_MIN: usize = 12;
/// Growth below this much of what is taken, over the time that was looked at, is none.
const GROWTH_MIN: f64 = 0.02;
/// Standard errors on each side of a slope's 95 % interval.
const ERRORS: f64 = 2.0;

/// What a process took at a time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// Seconds since some moment that is the same for all.
    pub at_s: f64,
    /// Its process id: a role that was started again has another.
    pub pid: u32,
    /// Its own memory.
    pub resident_bytes: u64,
    /// Time on a processor since it began.
    pub cpu_ms: u64,
}

/// What the samples say.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Trend {
    /// Too few samples.
    Unknown,
    /// It stays as it is.
    Steady,
    /// It grows by so many bytes a second, at least and at most; in a short time perhaps because it fills up.
    Growing {
        /// The lower end of the interval.
        least: f64,
        /// The upper end.
        most: f64,
        /// For how long.
        seconds: f64,
    },
}

/// Looks at the memory of the process's last life.
pub fn of_memory(samples: &[Sample]) -> Trend {
    let Some(last) = samples.last() else { return Trend::Unknown };
    let begin = samples.iter().rposition(|sample| sample.pid != last.pid).map_or(0, |place| place + 1);
    let life = &samples[begin..];
    let points: Vec<(f64, f64)> = life[(life.len() as f64 * WARM_UP) as usize..]
        .iter()
        .map(|sample| (sample.at_s, sample.resident_bytes as f64))
        .collect();
    if points.len() < SAMPLES_MIN {
        return Trend::Unknown;
    }
    let Some((slope, error)) = line(&points) else { return Trend::Unknown };
    let (least, most) = (slope - ERRORS * error, slope + ERRORS * error);
    let seconds = points[points.len() - 1].0 - points[0].0;
    let mean = points.iter().map(|point| point.1).sum::<f64>() / points.len() as f64;
    // Memory that was taken once, in a step, makes a slope too; what still rises in the second half is a leak.
    let late = line(&points[points.len() / 2..]).is_some_and(|(slope, error)| slope - ERRORS * error > 0.0);
    if least > 0.0 && late && slope * seconds > GROWTH_MIN * mean {
        Trend::Growing { least, most, seconds }
    } else {
        Trend::Steady
    }
}

/// The slope of the line through points, by least squares, and its standard error.
fn line(points: &[(f64, f64)]) -> Option<(f64, f64)> {
    let count = points.len() as f64;
    let (x, y) = points.iter().fold((0.0, 0.0), |(x, y), point| (x + point.0 / count, y + point.1 / count));
    let (mut across, mut both) = (0.0, 0.0);
    for point in points {
        across += (point.0 - x).powi(2);
        both += (point.0 - x) * (point.1 - y);
    }
    if count < 3.0 || across <= 0.0 {
        return None;
    }
    let slope = both / across;
    let left: f64 = points.iter().map(|point| (point.1 - y - slope * (point.0 - x)).powi(2)).sum();
    Some((slope, (left / (count - 2.0) / across).sqrt()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(bytes: impl Fn(f64) -> f64) -> Vec<Sample> {
        let noise = |place: u32| f64::from(place * 7 % 5) * 1e4;
        (0..120)
            .map(|place| {
                let at_s = f64::from(place) * 10.0;
                Sample { at_s, pid: 7, resident_bytes: (bytes(at_s) + noise(place)) as u64, cpu_ms: 0 }
            })
            .collect()
    }

    #[test]
    fn a_leak_is_told_from_filling_up_and_from_noise() {
        assert_eq!(of_memory(&samples(|_| 50e6)), Trend::Steady);
        assert_eq!(of_memory(&samples(|at| 50e6 + 20e6 * (at / 60.0).min(1.0))), Trend::Steady, "it fills up");
        assert_eq!(of_memory(&samples(|at| if at > 600.0 { 70e6 } else { 50e6 })), Trend::Steady, "one step");
        match of_memory(&samples(|at| 50e6 + 10e3 * at)) {
            Trend::Growing { least, most, seconds } => {
                assert!(least > 9e3 && most < 11e3 && seconds == 890.0, "{least} to {most} for {seconds} s");
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_short_life_says_nothing() {
        assert_eq!(of_memory(&samples(|_| 50e6)[..10]), Trend::Unknown);
        let mut restarted = samples(|at| 50e6 + 10e3 * at);
        restarted.iter_mut().skip(112).for_each(|sample| sample.pid = 8);
        assert_eq!(of_memory(&restarted), Trend::Unknown, "its last life is short");
    }
}
