//! Planets that pull at each other: floating point in small functions.

/// Steps of a turn.
const STEPS: u64 = 20_000;

/// Mass of the sun, in the unit in which the constant of gravitation is 1, and days of a year.
const SOLAR: f64 = 4.0 * std::f64::consts::PI * std::f64::consts::PI;
const DAYS: f64 = 365.24;

/// Jupiter, Saturn, Uranus and Neptune: place, way of a day, mass as a part of the sun's.
#[rustfmt::skip]
const PLANETS: [[f64; 7]; 4] = [
    [4.841_431_442_464_721, -1.160_320_044_027_428_4, -0.103_622_044_471_123_11,
     0.001_660_076_642_744_037, 0.007_699_011_184_197_404, -0.000_069_046_001_697_206_3, 0.000_954_791_938_424_326_6],
    [8.343_366_718_244_58, 4.124_798_564_124_305, -0.403_523_417_114_321,
     -0.002_767_425_107_268_624, 0.004_998_528_012_349_172, 0.000_023_041_729_757_376_393, 0.000_285_885_980_666_130_8],
    [12.894_369_562_139_131, -15.111_151_401_698_631, -0.223_307_578_892_655_73,
     0.002_964_601_375_647_616, 0.002_378_471_739_594_809_5, -0.000_029_658_956_854_023_756, 0.000_043_662_440_433_515_63],
    [15.379_697_114_850_917, -25.919_314_609_987_964, 0.179_258_772_950_371_18,
     0.002_680_677_724_903_893_2, 0.001_628_241_700_382_423, -0.000_095_159_225_451_971_59, 0.000_051_513_890_204_661_145],
];

#[derive(Clone, Copy)]
struct Vector([f64; 3]);

impl Vector {
    fn minus(self, other: Self) -> Self {
        let [ax, ay, az] = self.0;
        let [bx, by, bz] = other.0;
        Self([ax - bx, ay - by, az - bz])
    }

    fn times(self, factor: f64) -> Self {
        Self(self.0.map(|part| part * factor))
    }

    fn add(&mut self, other: Self) {
        for (part, more) in self.0.iter_mut().zip(other.0) {
            *part += more;
        }
    }

    fn dot(self, other: Self) -> f64 {
        self.0.iter().zip(other.0).map(|(a, b)| a * b).sum()
    }
}

#[derive(Clone, Copy)]
struct Body {
    place: Vector,
    velocity: Vector,
    mass: f64,
}

struct System {
    bodies: [Body; 5],
}

impl System {
    /// The sun and its four large planets, at rest as a whole.
    fn new() -> Self {
        let planet = |[x, y, z, vx, vy, vz, mass]: [f64; 7]| Body {
            place: Vector([x, y, z]),
            velocity: Vector([vx, vy, vz]).times(DAYS),
            mass: mass * SOLAR,
        };
        let sun = planet([0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0]);
        let [a, b, c, d] = PLANETS.map(planet);
        let mut bodies = [sun, a, b, c, d];
        let mut momentum = Vector([0.0; 3]);
        for body in &bodies {
            momentum.add(body.velocity.times(body.mass));
        }
        bodies[0].velocity = momentum.times(-1.0 / SOLAR);
        Self { bodies }
    }

    fn energy(&self) -> f64 {
        let mut energy = 0.0;
        for (at, body) in self.bodies.iter().enumerate() {
            energy += 0.5 * body.mass * body.velocity.dot(body.velocity);
            for other in &self.bodies[at + 1..] {
                let way = body.place.minus(other.place);
                energy -= body.mass * other.mass / way.dot(way).sqrt();
            }
        }
        energy
    }

    fn advance(&mut self, time: f64) {
        for at in 1..self.bodies.len() {
            let (before, rest) = self.bodies.split_at_mut(at);
            let body = &mut before[at - 1];
            for other in rest {
                attract(body, other, time);
            }
        }
        for body in &mut self.bodies {
            body.place.add(body.velocity.times(time));
        }
    }
}

fn attract(a: &mut Body, b: &mut Body, time: f64) {
    let way = a.place.minus(b.place);
    let square = way.dot(way);
    let pull = time / (square * square.sqrt());
    a.velocity.add(way.times(-b.mass * pull));
    b.velocity.add(way.times(a.mass * pull));
}

/// Energy after so many steps.
pub(crate) fn energy_after(steps: u64) -> f64 {
    let mut system = System::new();
    for _ in 0..steps {
        system.advance(0.01);
    }
    system.energy()
}

pub(crate) fn run(turns: u64) -> u64 {
    energy_after(turns * STEPS).to_bits()
}
