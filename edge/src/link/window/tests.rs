use proptest::prelude::*;

use super::*;

const RESEND: Duration = Duration::from_secs(10);
const SECOND: Duration = Duration::from_secs(1);

fn key(seq: u64) -> Key {
    Key { epoch: 1, seq }
}

/// All that is sent now of these events.
fn poll(window: &mut Window, waiting: &[u64], now: Instant) -> Vec<u64> {
    poll_of(window, &waiting.iter().map(|seq| (*seq, Kind::Event)).collect::<Vec<_>>(), now)
}

/// All that is sent now of these entries, events before samples; what is given up is not among it.
fn poll_of(window: &mut Window, waiting: &[(u64, Kind)], now: Instant) -> Vec<u64> {
    let mut waiting = waiting.to_vec();
    waiting.sort_by_key(|(_, kind)| *kind == Kind::Sample);
    let mut sent = Vec::new();
    while let Some(action) = window.poll_action(waiting.iter().map(|(seq, kind)| (key(*seq), *kind)), now) {
        if let Action::Send(key) = action {
            sent.push(key.seq);
        }
    }
    sent
}

#[test]
fn sends_in_order_up_to_the_window_and_goes_on_when_one_is_gone() {
    let (mut window, now) = (Window::new(2, RESEND), Instant::now());
    assert_eq!(poll(&mut window, &[1, 2, 3], now), [1, 2]);
    window.handle_gone(key(1));
    assert_eq!(poll(&mut window, &[2, 3], now), [3]);
    window.handle_connected(now);
    assert_eq!(poll(&mut window, &[2, 3, 4], now), [2, 3], "all is sent anew over a new connection");
    window.handle_hub(true, true, now);
    assert_eq!(poll(&mut window, &[2, 3, 4], now), [2, 3], "and when the hub says that it is back");
    window.handle_hub(true, false, now);
    assert_eq!(poll(&mut window, &[2, 3, 4], now), [] as [u64; 0], "what it has said before is no news");
}

#[test]
fn sends_again_after_pauses_that_grow() {
    let (mut window, start) = (Window::new(2, RESEND), Instant::now());
    let mut sent_at = Vec::new();
    for second in 0..2000 {
        for seq in poll(&mut window, &[7], start + Duration::from_secs(second)) {
            assert_eq!(seq, 7);
            sent_at.push(second);
        }
    }
    assert_eq!(sent_at, [0, 10, 30, 70, 150, 310, 630, 1270]);
}

#[test]
fn knows_when_it_is_due() {
    let (mut window, now) = (Window::new(2, RESEND), Instant::now());
    assert_eq!(window.poll_timeout(), None);
    poll(&mut window, &[1], now);
    poll(&mut window, &[1, 2], now + Duration::from_secs(3));
    assert_eq!(window.poll_timeout(), Some(now + RESEND));
}

#[test]
fn pictures_never_have_all_places() {
    let samples: Vec<_> = (1..=9).map(|seq| (seq, Kind::Sample)).collect();
    for (in_flight, expected) in [(8, 4), (3, 1), (2, 1), (1, 1)] {
        let (mut window, now) = (Window::new(in_flight, RESEND), Instant::now());
        assert_eq!(poll_of(&mut window, &samples, now).len(), expected, "{in_flight} in flight");
        let event = [(10, Kind::Event)];
        assert_eq!(poll_of(&mut window, &[&event[..], &samples].concat(), now), [10], "{in_flight} in flight");
    }
}

/// A broker and the hub behind it, as hostile as real ones are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Broker {
    /// Breaks the connection at a sample that is too large.
    Breaks,
    /// Takes it with an acknowledgement of its own, and passes it on to nobody.
    Swallows,
}

/// What becomes of what a bin sends.
struct World {
    window: Window,
    now: Instant,
    waiting: Vec<(u64, Kind)>,
    arrived: Vec<u64>,
    given_up: Vec<(u64, Why)>,
    /// How often each was sent.
    sent: HashMap<u64, u32>,
    breaks: u32,
}

impl World {
    fn new(in_flight: usize) -> Self {
        Self {
            window: Window::new(in_flight, RESEND),
            now: Instant::now(),
            waiting: Vec::new(),
            arrived: Vec::new(),
            given_up: Vec::new(),
            sent: HashMap::new(),
            breaks: 0,
        }
    }

    /// A second in which the bin sends what it will, over a connection that breaks or not; `refused` do not get through.
    /// Acknowledgements come after all that was sent in one go, unless the connection has broken.
    fn second(&mut self, broker: Broker, refused: impl Fn(u64) -> bool) {
        self.now += SECOND;
        let mut broken = false;
        let mut acknowledged = Vec::new();
        loop {
            self.waiting.sort_by_key(|(seq, kind)| (*kind == Kind::Sample, *seq));
            let waiting = self.waiting.iter().map(|(seq, kind)| (key(*seq), *kind));
            match self.window.poll_action(waiting, self.now) {
                Some(Action::Send(Key { seq, .. })) => {
                    *self.sent.entry(seq).or_default() += 1;
                    if !refused(seq) {
                        acknowledged.push(seq);
                    } else if broker == Broker::Breaks {
                        broken = true;
                        break;
                    }
                }
                Some(Action::GiveUp(Key { seq, .. }, why)) => self.given_up.push((seq, why)),
                None => break,
            }
        }
        if broken {
            self.breaks += 1;
            self.window.handle_disconnected(self.now);
            self.window.handle_connected(self.now);
            return;
        }
        for seq in acknowledged {
            self.window.handle_acknowledged(key(seq), self.now);
            self.waiting.retain(|(waiting, _)| *waiting != seq);
            self.arrived.push(seq);
        }
    }
}

#[test]
fn what_a_broker_refuses_is_given_up_and_all_else_arrives() {
    for broker in [Broker::Breaks, Broker::Swallows] {
        let mut world = World::new(8);
        // Every minute an item with a picture; the picture of every third is too large.
        let refused = |seq: u64| seq % 6 == 2;
        for minute in 0..60 {
            world.waiting.extend([(2 * minute + 1, Kind::Event), (2 * minute + 2, Kind::Sample)]);
            (0..60).for_each(|_| world.second(broker, refused));
        }
        let minutes_of_trouble = 10;
        for seq in 1..=2 * (60 - minutes_of_trouble) {
            if refused(seq) {
                assert!(world.given_up.iter().any(|(given_up, _)| *given_up == seq), "{broker:?}: {seq}");
                assert!(world.sent[&seq] <= 2 * MOST_BREAKS, "{broker:?}: {seq}: {:?}", world.sent);
            } else {
                assert!(world.arrived.contains(&seq), "{broker:?}: {seq} waits behind {:?}", world.waiting);
            }
        }
        let why = if broker == Broker::Breaks { Why::Breaks } else { Why::Unheard };
        assert!(world.given_up.iter().all(|(_, because)| *because == why), "{broker:?}: {:?}", world.given_up);
        assert!(world.window.aside() >= 16, "{broker:?}: {}", world.window.aside());
    }
}

#[test]
fn what_is_set_aside_gets_another_chance_a_day_later_and_one_only() {
    for broker in [Broker::Breaks, Broker::Swallows] {
        let mut world = World::new(8);
        world.waiting = vec![(2, Kind::Sample)];
        for minute in 0..30 {
            world.waiting.push((2 * minute + 3, Kind::Event));
            (0..60).for_each(|_| world.second(broker, |seq| seq == 2));
        }
        let before = world.sent[&2];
        assert_eq!((world.given_up.len(), world.window.aside()), (1, 1), "{broker:?}");
        world.now += ANOTHER_CHANCE;
        for minute in 30..60 {
            world.waiting.push((2 * minute + 3, Kind::Event));
            (0..60).for_each(|_| world.second(broker, |seq| seq == 2));
        }
        assert_eq!((world.given_up.len(), world.window.aside()), (2, 1), "{broker:?}");
        let again = if broker == Broker::Breaks { 1..=1 } else { 1..=4 };
        assert!(again.contains(&(world.sent[&2] - before)), "{broker:?}: {} after {before}", world.sent[&2]);
        // Another day later the limit has changed.
        world.now += ANOTHER_CHANCE;
        (0..60).for_each(|_| world.second(broker, |_| false));
        assert!(world.arrived.contains(&2) && world.waiting.is_empty() && world.window.aside() == 0, "{broker:?}");
    }
}

#[test]
fn a_broker_that_breaks_whatever_it_is_sent_is_not_the_fault_of_an_event() {
    let mut world = World::new(8);
    world.waiting = (1..=20).map(|seq| (seq, Kind::Event)).collect();
    (0..1000).for_each(|_| world.second(Broker::Breaks, |_| true));
    assert_eq!((world.given_up.len(), world.window.aside()), (0, 0));
    // Probes of a bin to which nobody listens reach a broker that works again.
    (0..7200).for_each(|_| world.second(Broker::Breaks, |_| false));
    assert_eq!(world.arrived.len(), 20);
}

/// The bytes that a day costs with a hub that is away: an event has 400 bytes, a picture 75,000.
fn a_day_without_a_hub(says_so: bool, breaks_every: u64) -> u64 {
    let mut window = Window::new(32, Duration::from_secs(30));
    let start = Instant::now();
    if says_so {
        window.handle_hub(false, true, start);
    }
    let (mut waiting, mut bytes) = (Vec::new(), 0);
    for second in 0..86_400_u64 {
        let now = start + Duration::from_secs(second);
        if second % 60 == 0 {
            waiting.extend([(key(2 * second + 1), Kind::Event), (key(2 * second + 2), Kind::Sample)]);
            waiting.sort_by_key(|(key, kind)| (*kind == Kind::Sample, *key));
        }
        if second % breaks_every == breaks_every - 1 {
            window.handle_disconnected(now);
            window.handle_connected(now);
        }
        while let Some(action) = window.poll_action(waiting.iter().copied(), now) {
            let Action::Send(key) = action else { panic!("nobody can know that {action:?}") };
            bytes += if key.seq % 2 == 1 { 400 } else { 75_000 };
        }
    }
    // All of it goes as soon as the hub is back.
    window.handle_hub(true, true, start + Duration::from_secs(86_400));
    let first = window.poll_action(waiting.iter().copied(), start + Duration::from_secs(86_400));
    assert_eq!(first, Some(Action::Send(key(1))));
    bytes
}

#[test]
fn a_hub_that_is_away_costs_little_on_a_metered_link() {
    for (says_so, breaks_every, most) in [
        // It has said so: events, once, as far as there are places, and one of them an hour.
        (true, 100_000, 40_000),
        // It is silent: some pictures before that is clear.
        (false, 100_000, 1_500_000),
        // A link that breaks every ten minutes makes an event of it each time.
        (true, 600, 150_000),
        (true, 47, 1_000_000),
    ] {
        let bytes = a_day_without_a_hub(says_so, breaks_every);
        assert!(bytes <= most, "said: {says_so}, a break every {breaks_every} s: {bytes} bytes");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Over a channel that loses, with a hub that acknowledges what reaches it, all arrive, and no
    /// more than the window are ever on the way.
    #[test]
    fn everything_arrives_in_the_end(
        losses in prop::collection::vec(any::<bool>(), 1..200),
        count in 1_u64..20,
        size in 1_usize..5,
    ) {
        let (mut window, mut now) = (Window::new(size, RESEND), Instant::now());
        let mut waiting: Vec<u64> = (1..=count).collect();
        let mut losses = losses.into_iter();
        let mut rounds = 0;
        while !waiting.is_empty() {
            let sent = poll(&mut window, &waiting, now);
            prop_assert!(window.sent.len() <= size);
            for seq in sent {
                if !losses.next().unwrap_or(false) {
                    waiting.retain(|waiting| *waiting != seq);
                    window.handle_acknowledged(key(seq), now);
                }
            }
            now = window.poll_timeout().unwrap_or(now);
            rounds += 1;
            prop_assert!(rounds < 1000);
        }
    }

    /// Whatever a broker does to which pictures, and however often the connection breaks besides: every event arrives
    /// soon after the last break, and every picture that the broker takes within a day more.
    #[test]
    fn events_go_on_whatever_becomes_of_pictures(
        refused in prop::collection::btree_set(0_u64..12, 0..8),
        breaks in prop::collection::btree_set(0_u64..600, 0..20),
        swallows: bool,
        in_flight in 1_usize..10,
    ) {
        let broker = if swallows { Broker::Swallows } else { Broker::Breaks };
        let refused = |seq: u64| seq >= 100 && refused.contains(&(seq - 100));
        let mut world = World::new(in_flight);
        world.waiting.extend((0..12).map(|seq| (100 + seq, Kind::Sample)));
        for second in 0..1200_u64 {
            if second % 15 == 0 && second < 600 {
                world.waiting.push((second / 15, Kind::Event));
            }
            world.second(broker, refused);
            if breaks.contains(&second) {
                world.window.handle_disconnected(world.now);
                world.window.handle_connected(world.now);
            }
        }
        for seq in 0..40 {
            prop_assert!(world.arrived.contains(&seq), "event {}: {:?}", seq, world.waiting);
        }
        for day in 0..2 {
            world.now += ANOTHER_CHANCE;
            // An event a minute shows that the hub is there.
            for minute in 0..60 {
                world.waiting.push((1000 + 100 * day + minute, Kind::Event));
                (0..20).for_each(|_| world.second(broker, refused));
            }
        }
        for seq in 100..112 {
            prop_assert_eq!(world.arrived.contains(&seq), !refused(seq), "picture {}: {:?}", seq, world.waiting);
        }
    }
}
