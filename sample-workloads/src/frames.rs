//! Writes fields as images, one PNG file per output.

use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::path::PathBuf;

use png::{BitDepth, ColorType, Encoder, EncodingError};

/// A folder of images `frame-0000.png`, `frame-0001.png`, ..., one pixel per grid point.
#[derive(Debug)]
pub struct Frames {
    folder: PathBuf,
    written: u32,
    /// The density shown in white: the highest of the first frame.
    white: f64,
}

impl Frames {
    /// Makes the folder if it is not there.
    ///
    /// # Errors
    /// The system's error if the folder cannot be made.
    pub fn create(folder: PathBuf) -> io::Result<Self> {
        fs::create_dir_all(&folder)?;
        Ok(Self {
            folder,
            written: 0,
            white: 0.0,
        })
    }

    /// Writes the next image: x to the right, y upwards, black (0) over red and yellow to white (the first frame's
    /// highest density).
    ///
    /// # Errors
    /// The error of encoding or writing the file.
    pub fn write(
        &mut self,
        npnts: usize,
        density: &dyn Fn(usize, usize) -> f64,
    ) -> Result<(), EncodingError> {
        if self.written == 0 {
            let all = (0..npnts * npnts).map(|at| density(at / npnts, at % npnts));
            self.white = all.fold(f64::MIN_POSITIVE, f64::max);
        }
        let mut pixels = Vec::with_capacity(3 * npnts * npnts);
        for y in (0..npnts).rev() {
            for x in 0..npnts {
                pixels.extend(heat(density(x, y) / self.white));
            }
        }
        let file = File::create(self.folder.join(format!("frame-{:04}.png", self.written)))?;
        let side = u32::try_from(npnts).expect("a grid has at most MAX_POINTS points a side");
        let mut encoder = Encoder::new(BufWriter::new(file), side, side);
        encoder.set_color(ColorType::Rgb);
        encoder.set_depth(BitDepth::Eight);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&pixels)?;
        // Without it the last buffer's write error would be lost in a destructor.
        writer.finish()?;
        self.written += 1;
        Ok(())
    }
}

/// The colour, red green blue, of a part (0 to 1) of the highest density.
fn heat(part: f64) -> [u8; 3] {
    [0.0, 1.0, 2.0].map(|start| brightness(3.0 * part - start))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to 0..=255 first"
)]
fn brightness(part: f64) -> u8 {
    (part.clamp(0.0, 1.0) * 255.0).round() as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heat_runs_from_black_to_white() {
        assert_eq!(heat(0.0), [0, 0, 0]);
        assert_eq!(heat(1.0 / 3.0), [255, 0, 0]);
        assert_eq!(heat(2.0 / 3.0), [255, 255, 0]);
        assert_eq!(heat(1.0), [255, 255, 255]);
        assert_eq!(heat(7.0), heat(1.0));
    }
}
