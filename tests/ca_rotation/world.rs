//! What is so at one moment, and what each replica takes for so.

/// CAs by their numbers.
pub(crate) type CaSet = u8;

/// The number of a CA that nobody of ours made.
pub(crate) const FOREIGN: u8 = 7;

/// The first moment: late enough for a clock that is behind.
pub(crate) const START: u8 = 40;

/// The caBundles of a webhook configuration, an entry each.
pub(crate) type Bundles = [CaSet; 2];

/// Where `Machine` keeps what a Secret holds, or what a replica remembers.
pub(crate) type Index = u16;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct World {
    pub(crate) now: u8,
    pub(crate) secret: Index,
    pub(crate) configurations: [Bundles; 2],
    /// How many CAs were made.
    pub(crate) made: u8,
    /// When each CA ends.
    pub(crate) ends: [u8; 8],
    pub(crate) replicas: [Replica; 3],
    /// How many failures of replicas may still come.
    pub(crate) failures: u8,
    /// How many deeds of others may still come.
    pub(crate) deeds: u8,
    /// For how long each CA is in every entry, up to the hold.
    pub(crate) held: [u8; 8],
    /// The CAs that were in every entry until somebody else took them out, and that are not back.
    pub(crate) damaged: CaSet,
    /// How often replicas wrote since the clock moved.
    pub(crate) writes: u8,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Replica {
    pub(crate) is_up: bool,
    pub(crate) reach: Reach,
    pub(crate) place: Place,
    /// By how much its clock is wrong.
    pub(crate) skew: i8,
    pub(crate) certificate: Option<ServingCertificate>,
    pub(crate) unknown_cas: Index,
    pub(crate) has_written: bool,
    /// What was read in this look, as far as it got.
    pub(crate) read: Sight,
    /// Is that still so, and a write over it accepted? Of the Secret and of each configuration.
    pub(crate) is_current: [bool; 3],
    /// What was read whole, and when that was, by its own clock.
    pub(crate) seen: Option<(Sight, u8)>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Sight {
    pub(crate) secret: Index,
    /// When the Secret was read, by its own clock.
    pub(crate) since: u8,
    pub(crate) configurations: [Bundles; 2],
}

/// What a replica is about to do in its look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Place {
    /// The look is over.
    #[default]
    Rest,
    Read(usize),
    Issue,
    Write(usize),
    Amend,
}

/// What a replica can read and write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Reach {
    #[default]
    Everything,
    Secret,
    Configurations,
    Nothing,
    /// It does nothing at all but show its leaf, and goes on in the middle of what it did.
    Asleep,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ServingCertificate {
    pub(crate) issuer: u8,
    pub(crate) not_before: u8,
    pub(crate) not_after: u8,
    pub(crate) choice: Choice,
}

/// How a replica came by its leaf.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Choice {
    /// There was something better than a CA that is not trusted.
    Deliberate,
    /// It showed none that was valid, and no CA in the Secret was trusted for the hold, or all that it saw were destroyed.
    First,
    /// It showed none that was valid, and had not seen the CAs for longer than the margin.
    Late,
}

/// One step from a world to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Begin,
    Tick,
    ReadSecret(usize),
    ReadConfiguration(usize, usize),
    FailToRead(usize),
    Issue(usize),
    WriteBundles(usize, usize),
    FailToWrite(usize),
    ComeTooLate(usize),
    Add(usize),
    Trust(usize),
    Retire(usize),
    Crash(usize),
    Start(usize),
    Lose(usize, Reach),
    Recover(usize),
    SkewClock(usize, i8),
    SetClock(usize),
    DestroySecret,
    LoseAuthority(u8),
    Tamper(usize, usize, CaSet),
}

impl World {
    /// The CAs that a clock which shows `now` takes for ended.
    pub(crate) fn ended(&self, now: u8) -> CaSet {
        let ended = self.ends.iter().zip(0..).filter(|(end, _)| **end <= now);
        ended.fold(0, |all, (_, number)| all | 1 << number)
    }

    /// The leaves that clients are shown and that are valid at `now`.
    pub(crate) fn leaves(&self, now: u8) -> impl Iterator<Item = ServingCertificate> {
        self.replicas.iter().filter_map(move |replica| {
            replica.certificate.filter(|certificate| replica.is_up && certificate.not_after > now)
        })
    }

    pub(crate) fn with(&self, index: usize, replica: Replica) -> Self {
        let mut after = *self;
        after.replicas[index] = replica;
        after
    }

    pub(crate) fn set_secret(&mut self, secret: Index) {
        self.secret = secret;
        self.replicas.iter_mut().for_each(|replica| replica.is_current[0] = false);
    }

    pub(crate) fn set_bundles(&mut self, configuration: usize, bundles: Bundles) {
        self.configurations[configuration] = bundles;
        self.replicas.iter_mut().for_each(|replica| replica.is_current[1 + configuration] = false);
    }
}

impl Replica {
    pub(crate) fn clock(&self, now: u8) -> u8 {
        now.saturating_add_signed(self.skew)
    }

    pub(crate) fn acts(&self) -> bool {
        self.is_up && self.reach != Reach::Asleep
    }

    pub(crate) fn reaches_secret(&self) -> bool {
        matches!(self.reach, Reach::Everything | Reach::Secret)
    }

    pub(crate) fn reaches_configurations(&self) -> bool {
        matches!(self.reach, Reach::Everything | Reach::Configurations)
    }
}

pub(crate) fn has(cas: CaSet, number: u8) -> bool {
    cas & (1 << number) != 0
}
