//! Resident memory, and whether it grows.

/// What no leak is: allocators and their pages come and go.
const NOISE: f64 = 4.0 * 1024.0 * 1024.0;

/// Bytes of this process that are in memory, where the system says so.
pub(crate) fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

/// How resident memory grew, by least squares, once it was warm.
pub(crate) struct Growth {
    pub(crate) peak: u64,
    pub(crate) bytes_per_second: f64,
    seconds: f64,
}

impl Growth {
    /// Of samples of seconds and bytes; the first quarter counts for the peak only.
    pub(crate) fn of(samples: &[(f64, u64)]) -> Option<Self> {
        let peak = samples.iter().map(|(_, bytes)| *bytes).max()?;
        let warm = &samples[samples.len() / 4..];
        let n = warm.len() as f64;
        let mean_x = warm.iter().map(|(x, _)| x).sum::<f64>() / n;
        let mean_y = warm.iter().map(|(_, y)| *y as f64).sum::<f64>() / n;
        let both = |(x, y): &(f64, u64)| (x - mean_x) * (*y as f64 - mean_y);
        let covariance: f64 = warm.iter().map(both).sum();
        let variance: f64 = warm.iter().map(|(x, _)| (x - mean_x).powi(2)).sum();
        let bytes_per_second = if variance > 0.0 {
            covariance / variance
        } else {
            0.0
        };
        Some(Self {
            peak,
            bytes_per_second,
            seconds: warm[warm.len() - 1].0 - warm[0].0,
        })
    }

    /// Whether it grew by more than what comes and goes.
    pub(crate) fn is_leak(&self) -> bool {
        self.bytes() > NOISE
    }

    /// How much it grew once it was warm.
    pub(crate) fn bytes(&self) -> f64 {
        self.bytes_per_second * self.seconds
    }
}
