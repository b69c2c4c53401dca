//! What light does at a surface: matte, glossy, metal, clear, film.

use super::geometry::{V3, grey, smoothstep};
use super::item::{Finish, Item, Pose};
use super::room::Room;

/// An item in the chamber, as rays see it.
pub(crate) struct Scene<'a> {
    pub(crate) room: &'a Room,
    pub(crate) item: &'a Item,
    pub(crate) pose: &'a Pose,
}

/// What a ray found on the item: linear light, and which part.
pub(crate) struct Seen {
    pub(crate) colour: V3,
    pub(crate) part: usize,
    /// How far along the ray.
    pub(crate) along: f32,
}

impl Scene<'_> {
    /// The light that comes back along a ray from the item; nothing if the ray misses it.
    pub(crate) fn look(&self, origin: V3, direction: V3) -> Option<Seen> {
        self.look_through(origin, direction, true, 0)
    }

    fn look_through(&self, origin: V3, direction: V3, with_clear: bool, depth: u32) -> Option<Seen> {
        let (o, d) = (self.pose.inward(origin), self.pose.turn.undo(direction));
        let hit = self.item.trace(o, d, with_clear)?;
        let local = o + d * hit.along;
        let normal = self.item.normal(local, hit.part);
        let normal = if normal.dot(d) > 0.0 { -normal } else { normal };
        Some(Seen { colour: self.surface(local, normal, d, hit.part, depth), part: hit.part, along: hit.along })
    }

    /// `local`, `normal` and `d` are in the item's space.
    fn surface(&self, local: V3, normal: V3, d: V3, part: usize, depth: u32) -> V3 {
        let material = self.item.material(part);
        let piece = self.item.part(part);
        let (place, facing) = (piece.local(local), piece.local_direction(normal));
        let base = material.texture.colour(material.colour, place, facing).map(|c| c.max(0.0));
        let bumped = (normal + piece.item_direction(material.texture.bump(place))).unit();

        let at = self.pose.outward(local);
        let n = self.pose.turn.apply(bumped);
        let toward = self.pose.turn.apply(d);
        let cos = (-toward.dot(n)).clamp(0.0, 1.0);
        let fresnel = 0.04 + 0.96 * (1.0 - cos).powi(5);
        let mirrored = toward.reflect(n);

        if let Finish::Clear { wall, shine, haze } = material.finish {
            let through = self.clear(local, bumped, d, part, wall, depth) * (1.0 - fresnel * 0.7);
            let light = self.room.light(at, n);
            let scattered = (light.direct[0] + light.direct[1] + light.ambient) * (haze * (1.3 - cos));
            return through * (1.0 - haze)
                + base * scattered
                + self.room.seen(at, mirrored, 0.05 * (1.3 - shine)) * ((fresnel + 0.03) * shine).min(0.9);
        }

        let (light, closeness) = self.light_at(local, at, n);
        let scattered = base * light;
        match material.finish {
            Finish::Matte | Finish::Clear { .. } => scattered,
            Finish::Gloss(smooth) => {
                let rough = 0.55 - 0.5 * smooth;
                scattered * (1.0 - fresnel)
                    + self.room.seen(at, mirrored, rough) * (fresnel * (0.3 + 0.7 * smooth) * closeness)
            }
            Finish::Metal { rough, drawn } => {
                let axis = self.pose.turn.apply(piece.item_direction(super::geometry::UP));
                let along = if drawn { n.cross(axis) * (rough * 0.8) } else { n.cross(mirrored) * (rough * 0.5) };
                let mirrored = [0.0, 1.0, -1.0]
                    .into_iter()
                    .fold(V3::default(), |sum, k| sum + self.room.seen(at, (mirrored + along * k).unit(), rough * 0.6));
                let tint = base.mix(grey(1.0), (1.0 - cos).powi(5));
                tint * (mirrored / 3.0) * (0.25 + 0.75 * closeness) * 0.85 + scattered * 0.25
            }
            Finish::Film(through) => {
                let behind = if depth == 0 { self.beyond(at, toward) } else { grey(0.2) };
                let body = scattered * 0.85 + base * light.luma() * 0.25;
                body.mix(behind * base, through * cos) + self.room.seen(at, mirrored, 0.12) * (fresnel * 0.8 + 0.03)
            }
        }
    }

    /// Light on a point of the item, with the item's own shadows and the dark near the floor; and how
    /// open the surroundings are, 0 to 1.
    fn light_at(&self, local: V3, at: V3, n: V3) -> (V3, f32) {
        let light = self.room.light(at, n);
        let inner = self.pose.turn.undo(n);
        let start = local + inner * 0.015;
        let mut sum = V3::default();
        for (key, direct) in light.direct.iter().enumerate() {
            if direct.luma() > 1e-4 {
                let (opaque, clear) = self.item.lit(start, self.pose.inward(self.room.keys[key]), 0.16);
                sum += *direct * opaque * (0.4 + 0.6 * clear);
            }
        }
        let mut open = 1.0;
        for step in [0.05f32, 0.15] {
            let d = self.item.distance(local + inner * step, true).0;
            open -= 0.5 * (1.0 - (d / step).clamp(0.0, 1.0)) * 0.9;
        }
        let above_floor = 0.35 + 0.65 * smoothstep(0.0, 0.3, at.y + 0.25 * n.y.max(0.0));
        let open = open.max(0.1) * above_floor;
        let bounce = self.room.surface(V3 { y: 0.0, ..at }, super::geometry::UP) * (0.25 * (0.5 - 0.5 * n.y));
        (sum + (light.ambient + bounce) * open, open)
    }

    /// Through a clear wall, the hollow behind it, and the far wall; what lies behind is bent and tinted.
    fn clear(&self, local: V3, normal: V3, d: V3, part: usize, wall: f32, depth: u32) -> V3 {
        let material = self.item.material(part);
        let inward = d.refract(normal, 0.93).unwrap_or(d);
        let length = self.item.leave(local - normal * 0.004, inward, part);
        let exit = local + inward * length;
        let far = self.item.normal(exit, part);
        let outward = d.mix(inward, 0.5).mix(far * inward.dot(far).signum(), 0.10).unit();
        let thick = |n: V3| 1.0 / (n.dot(inward).abs() + 0.18);
        let amount = (wall * 0.5 * (thick(normal) + thick(far))).min(5.0);
        let tint = material.colour.map(|c| c.max(0.02).powf(amount));

        let (from, toward) = (self.pose.outward(local), self.pose.turn.apply(outward));
        let within = if depth < 1 {
            self.look_through(from, self.pose.turn.apply(inward), false, depth + 1).map(|seen| seen.colour)
        } else {
            None
        };
        let behind = within.unwrap_or_else(|| self.beyond(self.pose.outward(exit), toward));
        let far_glint = self.room.seen(self.pose.outward(exit), self.pose.turn.apply(inward.reflect(far)), 0.06);
        let edge = 0.05 + 0.45 * (1.0 - far.dot(inward).abs()).powi(3);
        behind * tint * (1.0 - edge) + far_glint * tint * edge + material.colour * material.colour * 0.02
    }

    /// The chamber behind the item, in the item's shadow where it meets the floor.
    fn beyond(&self, from: V3, toward: V3) -> V3 {
        let (p, normal) = self.room.meet(from, toward);
        let light = self.room.light(p, normal);
        let near = smoothstep(0.0, self.item.radius * 1.2, (p - self.pose.at).len());
        let shade = 0.55 + 0.45 * near;
        self.room.surface(p, normal) * ((light.direct[0] + light.direct[1]) * shade + light.ambient)
    }
}
