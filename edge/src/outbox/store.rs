//! How entries get to the disk, and off it.
//!
//! The order matters, and is the same everywhere: what is new is written and synced before what is old is
//! marked as done or deleted.

use std::io;

use super::index::Waiting;
use super::segment::{self, Folder};
use super::{Key, Kind, LARGEST_IN_MEMORY, Outbox, Place, Segment};

impl Outbox {
    /// Finds what a segment of the last run holds.
    pub(super) fn recover(&mut self, id: u64) {
        let Some(folder) = &self.folder else { return };
        let Ok(contents) = folder.read(id) else {
            // The file is there but cannot be read: nobody knows how many entries it held.
            self.damaged += 1;
            return;
        };
        self.damaged += contents.damaged;
        // A program that was killed may have left it in the memory of the operating system.
        if let Err(problem) = folder.sync(id) {
            self.doubtful.insert(id);
            self.note(Some(problem));
        }
        self.segments.insert(id, Segment { bytes: contents.bytes, ..Segment::default() });
        for found in contents.records {
            let last = self.former.entry(found.key.epoch).or_insert(0);
            *last = (*last).max(found.key.seq);
            let segment::Found { key, kind, worth, bytes, offset } = found;
            if self.doubtful.contains(&id) && self.index.get(key).is_some() {
                continue;
            }
            // Nobody knows whether the last run sent it.
            let entry = Waiting { key, kind, worth, bytes, sent: true, place: Place::Memory(Vec::new()) };
            // A crash while a segment was copied leaves an entry in both: the later one counts.
            if let Some(earlier) = self.index.insert(entry) {
                self.release(earlier.key, &earlier.place, earlier.bytes);
            }
            self.place(key, Place::Disk { segment: id, offset });
        }
    }

    /// An entry lies here now.
    pub(super) fn place(&mut self, key: Key, place: Place) {
        let Some(entry) = self.index.get_mut(key) else { return };
        if let Place::Disk { segment, .. } = place {
            let segment = self.segments.entry(segment).or_default();
            segment.live += 1;
            segment.live_bytes += u64::from(entry.bytes);
        }
        entry.place = place;
    }

    /// Appends a record to the newest segment. The error is `None` if there is no disk to write to.
    pub(super) fn write(&mut self, record: &[u8]) -> Result<Place, Option<io::Error>> {
        let folder = self.folder.clone().ok_or(None)?;
        let room = self.rules.segment_bytes.saturating_sub(record.len() as u64);
        if self.head.as_ref().is_some_and(|head| head.bytes > room) {
            self.sync_head();
            self.head = None;
        }
        let head = match &mut self.head {
            Some(head) => head,
            none => {
                // Not tried twice: what is left of a failed attempt may be in the way.
                let id = self.next_segment;
                self.next_segment += 1;
                let head = folder.create(id)?;
                self.segments.insert(id, Segment { bytes: head.bytes, ..Segment::default() });
                none.insert(head)
            }
        };
        let (id, appended) = (head.id, head.append(record));
        self.segments.entry(id).or_default().bytes = head.bytes;
        match appended {
            Ok(offset) => Ok(Place::Disk { segment: id, offset }),
            Err(error) => {
                self.take_back();
                Err(Some(error))
            }
        }
    }

    /// Syncs the newest segment.
    pub(super) fn sync_head(&mut self) {
        match self.head.as_mut().map(segment::Head::sync) {
            Some(Err(problem)) => {
                self.note(Some(problem));
                self.take_back();
            }
            Some(Ok(())) | None => self.unsynced.clear(),
        }
    }

    /// Gives up the newest segment: nobody knows what of it is on disk since it was synced. What was
    /// appended since goes back to memory.
    fn take_back(&mut self) {
        self.head = None;
        self.taken_back += 1;
        for key in std::mem::take(&mut self.unsynced) {
            let Some(entry) = self.index.get(key) else { continue };
            let (place, bytes) = (entry.place.clone(), entry.bytes);
            match self.read(entry) {
                Some(body) => {
                    self.release(key, &place, bytes);
                    self.keep_in_memory(key, body);
                }
                None => {
                    self.damaged += 1;
                    self.take(key);
                }
            }
        }
        self.delete_done_segments();
    }

    /// Writes what is kept in memory, as far as the disk takes it.
    pub(super) fn write_kept(&mut self) {
        if self.folder.is_none() {
            return;
        }
        // A disk that fails again puts what it was given behind the rest: each gets one attempt.
        for key in self.kept.clone() {
            let Some(Waiting { kind, worth, bytes, place: Place::Memory(body), .. }) = self.index.get(key) else {
                continue;
            };
            let (record, bytes) = (segment::record(key, *kind, *worth, body), u64::from(*bytes));
            match self.write(&record) {
                Ok(place) => {
                    self.kept.remove(&key);
                    self.in_memory -= bytes;
                    self.place(key, place);
                    self.unsynced.push(key);
                }
                Err(problem) => return self.note(problem),
            }
        }
    }

    /// Keeps an entry in memory. If there is no room, what is worth least of what is there goes.
    pub(super) fn keep_in_memory(&mut self, key: Key, body: Vec<u8>) {
        let Some(entry) = self.index.get_mut(key) else { return };
        entry.place = Place::Memory(body);
        self.in_memory += u64::from(entry.bytes);
        self.kept.insert(key);
        while self.in_memory > LARGEST_IN_MEMORY {
            let Some(victim) = self.index.victims().find(|entry| self.kept.contains(&entry.key)) else { return };
            let (key, kind) = (victim.key, victim.kind);
            self.take(key);
            self.count_drop(kind);
        }
    }

    pub(super) fn read(&self, entry: &Waiting<Place>) -> Option<Vec<u8>> {
        match (&entry.place, &self.folder) {
            (Place::Memory(body), _) => Some(body.clone()),
            (Place::Disk { segment, offset }, Some(folder)) => folder.body(*segment, *offset, entry.bytes).ok(),
            (Place::Disk { .. }, None) => None,
        }
    }

    /// Takes an entry out of the index and off the disk.
    pub(super) fn take(&mut self, key: Key) -> bool {
        let Some(entry) = self.index.remove(key) else { return false };
        self.release(key, &entry.place, entry.bytes);
        true
    }

    /// An entry does not lie here any more.
    fn release(&mut self, key: Key, place: &Place, bytes: u32) {
        match place {
            Place::Memory(_) => {
                if self.kept.remove(&key) {
                    self.in_memory -= u64::from(bytes);
                }
            }
            Place::Disk { segment: id, offset } => {
                if let Some(segment) = self.segments.get_mut(id) {
                    segment.live -= 1;
                    segment.live_bytes -= u64::from(bytes);
                    // A segment of which nothing is left is deleted whole.
                    if let (Some(folder), true) = (&self.folder, segment.live > 0 || self.head_is(*id)) {
                        // If this is lost, the entry is sent again, and the hub knows its number.
                        folder.done(*id, *offset).ok();
                    }
                }
            }
        }
    }

    fn head_is(&self, id: u64) -> bool {
        self.head.as_ref().is_some_and(|head| head.id == id)
    }

    pub(super) fn enforce_bound(&mut self) {
        while self.index.bytes() > self.rules.max_bytes {
            let Some(victim) = self.index.victim() else { return };
            let kind = self.index.get(victim).map(|entry| entry.kind);
            self.take(victim);
            if let Some(kind) = kind {
                self.count_drop(kind);
            }
        }
        self.delete_done_segments();
    }

    fn count_drop(&mut self, kind: Kind) {
        self.dropped[usize::from(kind == Kind::Sample)] += 1;
    }

    pub(super) fn note(&mut self, problem: Option<io::Error>) {
        if problem.is_some() {
            self.disk_problem = problem;
        }
    }

    pub(super) fn delete_done_segments(&mut self) {
        let Some(folder) = self.folder.clone() else { return };
        let head = self.head.as_ref().map(|head| head.id);
        self.segments.retain(|id, segment| segment.live > 0 || Some(*id) == head || folder.delete(*id).is_err());
    }

    /// Copies the segment with the smallest live share while the files are much larger than what they
    /// hold, and deletes it when the copies are on disk.
    pub(super) fn compact(&mut self) {
        let Some(folder) = self.folder.clone() else { return };
        let on_disk: u64 = self.segments.values().map(|segment| segment.bytes).sum();
        let live: u64 = self.segments.values().map(|segment| segment.live_bytes).sum();
        if on_disk <= live + live / 4 + 2 * self.rules.segment_bytes {
            return;
        }
        let sealed = self.segments.iter().filter(|(id, _)| !self.head_is(**id));
        let Some((&id, _)) = sealed.min_by_key(|(_, segment)| segment.live_bytes * 1024 / segment.bytes.max(1)) else {
            return;
        };
        self.replace(&folder, id);
    }

    /// Copies what is in doubt to where a sync says that it is on disk.
    pub(super) fn copy_doubtful(&mut self) {
        let Some(folder) = self.folder.clone() else { return };
        for id in self.doubtful.clone() {
            if self.segments.contains_key(&id) && !self.replace(&folder, id) {
                return;
            }
            self.doubtful.remove(&id);
        }
    }

    /// Copies all that is alive in a segment, and deletes it. Tells whether the copies are on disk; if not,
    /// they are done with, and the segment stays.
    fn replace(&mut self, folder: &Folder, id: u64) -> bool {
        let taken_back = self.taken_back;
        let (copies, is_whole) = self.copy(folder, id);
        self.sync_head();
        if !is_whole || self.taken_back != taken_back {
            // Some may not be on disk, and would be found before the entries themselves.
            for (_, place) in copies {
                if let Place::Disk { segment, offset } = place {
                    folder.done(segment, offset).ok();
                }
            }
            return false;
        }
        for (key, place) in copies {
            self.place(key, place);
        }
        // Nothing refers to it any more. If it cannot be deleted, that is tried again.
        if let Some(segment) = self.segments.get_mut(&id) {
            *segment = Segment { bytes: segment.bytes, ..Segment::default() };
        }
        self.delete_done_segments();
        true
    }

    /// Appends all that is alive in a segment to the newest, and tells whether the disk took it all.
    fn copy(&mut self, folder: &Folder, id: u64) -> (Vec<(Key, Place)>, bool) {
        let in_it = |place: &Place| matches!(place, Place::Disk { segment, .. } if *segment == id);
        let moving: Vec<_> = self.index.by_age().filter(|entry| in_it(&entry.place)).cloned().collect();
        let mut copies = Vec::with_capacity(moving.len());
        for Waiting { key, kind, worth, bytes, place, .. } in moving {
            let Place::Disk { offset, .. } = place else { continue };
            let Ok(body) = folder.body(id, offset, bytes) else {
                self.damaged += 1;
                self.take(key);
                continue;
            };
            match self.write(&segment::record(key, kind, worth, &body)) {
                Ok(place) => copies.push((key, place)),
                Err(problem) => {
                    self.note(problem);
                    return (copies, false);
                }
            }
        }
        (copies, true)
    }
}
