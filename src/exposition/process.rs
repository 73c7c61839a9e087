//! This process as its operating system sees it, under the names that every
//! Prometheus client uses
//! (<https://prometheus.io/docs/instrumenting/writing_clientlibs/#process-metrics>).

use super::{
    exporter::bare,
    family::{Family, Kind, Series, Value},
};

/// Absent is what could not be read, or what has no limit.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Process {
    /// User and system time (seconds).
    pub cpu_seconds: Option<f64>,
    /// Open file descriptors.
    pub open_fds: Option<u64>,
    /// The most that may be open.
    pub max_fds: Option<u64>,
    /// Size of the address space (bytes).
    pub virtual_memory_bytes: Option<u64>,
    /// Its limit (bytes).
    pub virtual_memory_max_bytes: Option<u64>,
    /// What of it is in memory (bytes).
    pub resident_memory_bytes: Option<u64>,
    /// When the process began (seconds since the epoch).
    pub start_time_seconds: Option<f64>,
    /// Threads.
    pub threads: Option<u64>,
}

impl Process {
    /// Reads `/proc/self` now; elsewhere than on Linux everything is absent.
    #[cfg(target_os = "linux")]
    pub fn read() -> Self {
        linux::read().unwrap_or_default()
    }

    /// Reads `/proc/self` now; elsewhere than on Linux everything is absent.
    #[cfg(not(target_os = "linux"))]
    pub fn read() -> Self {
        Self::default()
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::{sync::OnceLock, time::Duration};

    use procfs::{ProcResult, process::LimitValue};

    use super::Process;

    pub(super) fn read() -> ProcResult<Process> {
        let me = procfs::process::Process::myself()?;
        let stat = me.stat()?;
        let limits = me.limits().ok();
        Ok(Process {
            cpu_seconds: Some(ticks(stat.utime + stat.stime).as_secs_f64()),
            open_fds: me.fd_count().ok().and_then(|count| count.try_into().ok()),
            max_fds: limits
                .as_ref()
                .and_then(|it| value(&it.max_open_files.soft_limit)),
            virtual_memory_bytes: Some(stat.vsize),
            virtual_memory_max_bytes: limits
                .as_ref()
                .and_then(|it| value(&it.max_address_space.soft_limit)),
            resident_memory_bytes: Some(stat.rss.saturating_mul(procfs::page_size())),
            start_time_seconds: began(stat.starttime),
            threads: stat.num_threads.try_into().ok(),
        })
    }

    /// Read once: for the time of the boot the kernel sums up all its interrupts.
    fn began(start: u64) -> Option<f64> {
        static BOOT: OnceLock<Option<Duration>> = OnceLock::new();
        let boot = || procfs::boot_time_secs().map(Duration::from_secs).ok();
        let boot = (*BOOT.get_or_init(boot))?;
        Some((boot + ticks(start)).as_secs_f64())
    }

    fn ticks(count: u64) -> Duration {
        let per_second = procfs::ticks_per_second().max(1);
        Duration::from_millis(count.saturating_mul(1000) / per_second)
    }

    fn value(limit: &LimitValue) -> Option<u64> {
        match limit {
            LimitValue::Value(value) => Some(*value),
            LimitValue::Unlimited => None,
        }
    }
}

pub(super) const FAMILIES: [Family; 8] = [
    Family {
        name: "process_cpu_seconds_total",
        kind: Kind::Counter,
        help: "Total user and system CPU time spent in seconds",
        labels: &[],
        series: |scene| maybe(scene.view.process.cpu_seconds.map(Value::Number)),
    },
    Family {
        name: "process_open_fds",
        kind: Kind::Gauge,
        help: "Number of open file descriptors",
        labels: &[],
        series: |scene| maybe(scene.view.process.open_fds),
    },
    Family {
        name: "process_max_fds",
        kind: Kind::Gauge,
        help: "Maximum number of open file descriptors; absent without a limit",
        labels: &[],
        series: |scene| maybe(scene.view.process.max_fds),
    },
    Family {
        name: "process_virtual_memory_bytes",
        kind: Kind::Gauge,
        help: "Virtual memory size in bytes",
        labels: &[],
        series: |scene| maybe(scene.view.process.virtual_memory_bytes),
    },
    Family {
        name: "process_virtual_memory_max_bytes",
        kind: Kind::Gauge,
        help: "Maximum amount of virtual memory available in bytes; absent without a limit",
        labels: &[],
        series: |scene| maybe(scene.view.process.virtual_memory_max_bytes),
    },
    Family {
        name: "process_resident_memory_bytes",
        kind: Kind::Gauge,
        help: "Resident memory size in bytes",
        labels: &[],
        series: |scene| maybe(scene.view.process.resident_memory_bytes),
    },
    Family {
        name: "process_start_time_seconds",
        kind: Kind::Gauge,
        help: "Start time of the process since unix epoch in seconds",
        labels: &[],
        series: |scene| maybe(scene.view.process.start_time_seconds.map(Value::Number)),
    },
    Family {
        name: "process_threads",
        kind: Kind::Gauge,
        help: "Number of OS threads in the process",
        labels: &[],
        series: |scene| maybe(scene.view.process.threads),
    },
];

fn maybe<'a, V: Into<Value<'a>>>(value: Option<V>) -> Vec<Series<'a>> {
    value.map_or_else(Vec::new, bare)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_running_process_has_memory_descriptors_and_a_past() {
        let process = Process::read();
        assert!(process.resident_memory_bytes > Some(0), "{process:?}");
        assert!(process.virtual_memory_bytes > process.resident_memory_bytes);
        assert!(process.open_fds > Some(0), "{process:?}");
        assert!(process.threads > Some(0), "{process:?}");
        let now = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .expect("after 1970")
            .as_secs_f64();
        let start = process.start_time_seconds.expect("a start");
        assert!(start > 0.0 && start <= now + 1.0, "{start} {now}");
    }
}
