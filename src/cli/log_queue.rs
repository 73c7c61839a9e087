//! The daemon's log on its way to stderr: a reader that stalls must not stall the daemon.

use std::{
    io::{self, Write},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
    time::Duration,
};

use tracing_subscriber::fmt::MakeWriter;

/// Hands lines to a thread that may wait. What finds no room is dropped, and counted
/// for the first line that is written again.
#[derive(Clone)]
pub(super) struct Queue {
    sender: SyncSender<Message>,
    dropped: Arc<AtomicU64>,
}

enum Message {
    Line(Vec<u8>),
    /// Everything before it is written once it is answered.
    End(SyncSender<()>),
}

/// Waits at its end until what was logged is written, unless nobody reads.
pub(super) struct Flush(Queue);

impl Queue {
    /// Starts the thread that writes.
    ///
    /// # Errors
    /// A thread cannot be started.
    pub(super) fn start(into: impl Write + Send + 'static) -> io::Result<(Self, Flush)> {
        let (sender, receiver) = sync_channel(LINES);
        let dropped = Arc::<AtomicU64>::default();
        let queue = Self { sender, dropped };
        let dropped = Arc::clone(&queue.dropped);
        thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || write(&receiver, into, &dropped))?;
        Ok((queue.clone(), Flush(queue)))
    }
}

impl Write for Queue {
    /// One call is one event.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.sender.try_send(Message::Line(line.to_vec())).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Queue {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

impl Drop for Flush {
    fn drop(&mut self) {
        let (written, end) = sync_channel(1);
        // A queue that is full is not read, and would not be in a second.
        if self.0.sender.try_send(Message::End(written)).is_ok() {
            let _ = end.recv_timeout(LAST_WAIT);
        }
    }
}

fn write(queued: &Receiver<Message>, mut into: impl Write, dropped: &AtomicU64) {
    for message in queued {
        match message {
            // A stderr that is closed has no place to say so.
            Message::Line(line) => drop(into.write_all(&line)),
            Message::End(written) => drop(written.try_send(())),
        }
        let lines = dropped.swap(0, Ordering::Relaxed);
        if lines > 0 {
            tracing::warn!(lines, "lines of the log were dropped: nobody read stderr");
        }
    }
}

/// Some megabytes at most.
const LINES: usize = 4096;
/// How long the end of the daemon waits for its last lines.
const LAST_WAIT: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use std::sync::{Mutex, mpsc::channel};

    use super::*;

    /// A reader that takes a line whenever it is let.
    struct Slow(Receiver<()>, Arc<Mutex<Vec<u8>>>);

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0
                .recv()
                .map_err(|_| io::Error::other("nobody reads"))?;
            self.1.lock().unwrap().extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reader_that_stalls_costs_lines_and_holds_up_nobody() {
        let (read, reads) = channel();
        let seen = Arc::<Mutex<Vec<u8>>>::default();
        let slow = Slow(reads, Arc::clone(&seen));
        let (mut queue, flush) = Queue::start(slow).unwrap();
        // One more may be with the thread.
        for _ in 0..LINES + 11 {
            queue.write_all(b"line\n").unwrap();
        }
        let dropped = queue.dropped.load(Ordering::Relaxed);
        assert!((10..=11).contains(&dropped), "{dropped}");
        for _ in 0..=LINES {
            read.send(()).unwrap();
        }
        // Wakes when the queue has room for it again.
        while queue.dropped.load(Ordering::Relaxed) > 0 {
            thread::yield_now();
        }
        drop(read);
        drop(flush);
        let written = seen.lock().unwrap().len() / b"line\n".len();
        assert!((LINES..=LINES + 1).contains(&written), "{written}");
    }

    #[test]
    fn what_was_logged_is_written_before_the_end() {
        let (read, reads) = channel();
        let seen = Arc::<Mutex<Vec<u8>>>::default();
        let (mut queue, flush) = Queue::start(Slow(reads, Arc::clone(&seen))).unwrap();
        for line in ["a\n", "b\n", "c\n"] {
            queue.write_all(line.as_bytes()).unwrap();
            read.send(()).unwrap();
        }
        drop(flush);
        assert_eq!(*seen.lock().unwrap(), b"a\nb\nc\n");
    }
}
