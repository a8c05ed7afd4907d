//! Files of evidence and of assessments, plain or compressed by zstd.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::path::Path;

use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};
use ruzstd::encoding::{CompressionLevel, compress_to_vec};

/// How a file that zstd has compressed begins, or a frame in it that says nothing (its first byte
/// may be any from 0x50 to 0x5f).
const FRAME: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
const SKIPPED: [u8; 3] = [0x2a, 0x4d, 0x18];

/// Bytes of output that become one frame.
const FRAME_BYTES: usize = 1 << 20;

/// Opens a file for reading. Whether it is compressed is seen by its first bytes.
pub(super) fn open(path: &Path) -> io::Result<Box<dyn BufRead>> {
    let mut file = BufReader::with_capacity(1 << 18, File::open(path)?);
    let start = file.fill_buf()?;
    let compressed = start.starts_with(&FRAME)
        || start.len() > 3 && start[0] & 0xf0 == 0x50 && start[1..4] == SKIPPED;
    if compressed {
        let frames = Frames { file, decoder: FrameDecoder::new(), within: false };
        Ok(Box::new(BufReader::with_capacity(1 << 18, frames)))
    } else {
        Ok(Box::new(file))
    }
}

/// Creates a file for writing, compressed where its name ends in `.zst`. [`Output::finish`] must be
/// called at the end.
pub(super) fn create(path: &Path) -> io::Result<Output> {
    let file = BufWriter::new(File::create(path)?);
    if path.extension().is_some_and(|extension| extension == "zst") {
        Ok(Output::Zstd { file, pending: Vec::with_capacity(FRAME_BYTES) })
    } else {
        Ok(Output::Plain(file))
    }
}

/// Where assessments go.
pub(super) enum Output {
    Plain(BufWriter<File>),
    /// Frames one after the other are a file, so that no more than one is held.
    Zstd {
        file: BufWriter<File>,
        pending: Vec<u8>,
    },
}

impl Output {
    /// Writes what is left.
    pub(super) fn finish(mut self) -> io::Result<()> {
        if let Self::Zstd { file, pending } = &mut self {
            file.write_all(&frame(pending))?;
            pending.clear();
        }
        self.flush()
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(file) => file.write(bytes),
            Self::Zstd { file, pending } => {
                pending.extend_from_slice(bytes);
                if pending.len() >= FRAME_BYTES {
                    file.write_all(&frame(pending))?;
                    pending.clear();
                }
                Ok(bytes.len())
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(file) => file.flush(),
            Self::Zstd { file, .. } => file.flush(),
        }
    }
}

fn frame(bytes: &[u8]) -> Vec<u8> {
    compress_to_vec(bytes, CompressionLevel::Fastest)
}

/// What all frames of a file hold, one after the other.
struct Frames<R> {
    file: R,
    decoder: FrameDecoder,
    within: bool,
}

impl<R: BufRead> Frames<R> {
    /// Begins the next frame that holds something; `false` at the end of the file.
    fn begin(&mut self) -> io::Result<bool> {
        while !self.file.fill_buf()?.is_empty() {
            match self.decoder.reset(&mut self.file) {
                Ok(()) => return Ok(true),
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                    length,
                    ..
                })) => {
                    let mut skipped = Read::take(&mut self.file, u64::from(length));
                    io::copy(&mut skipped, &mut io::sink())?;
                }
                Err(error) => return Err(damaged(error)),
            }
        }
        Ok(false)
    }
}

impl<R: BufRead> Read for Frames<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            if !self.within {
                self.within = self.begin()?;
                if !self.within {
                    return Ok(0);
                }
            }
            while self.decoder.can_collect() == 0 && !self.decoder.is_finished() {
                let one = BlockDecodingStrategy::UptoBlocks(1);
                self.decoder.decode_blocks(&mut self.file, one).map_err(damaged)?;
            }
            let read = self.decoder.read(buffer)?;
            if read > 0 {
                return Ok(read);
            }
            self.within = false;
            let told = self.decoder.get_checksum_from_data();
            if told.is_some() && told != self.decoder.get_calculated_checksum() {
                return Err(damaged("a checksum does not fit"));
            }
        }
    }
}

fn damaged(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_back(path: &Path) -> io::Result<Vec<u8>> {
        let mut text = Vec::new();
        open(path)?.read_to_end(&mut text)?;
        Ok(text)
    }

    #[test]
    fn what_is_written_compressed_reads_back_frame_by_frame() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.ndjson.zst");
        // More than two frames of it.
        let line = b"{\"account_id\": \"a17\", \"games\": []}\n";
        let text = line.repeat(3 * FRAME_BYTES / line.len());
        let mut output = create(&path).unwrap();
        output.write_all(&text).unwrap();
        output.finish().unwrap();
        assert!(std::fs::metadata(&path).unwrap().len() < text.len() as u64 / 10);
        assert_eq!(read_back(&path).unwrap(), text);
    }

    #[test]
    fn frames_that_say_nothing_are_skipped_and_damaged_ones_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.zst");
        let mut bytes = vec![0x53, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3];
        bytes.extend(frame(b"one\n"));
        bytes.extend(frame(b""));
        bytes.extend(frame(b"two\n"));
        std::fs::write(&path, &bytes).unwrap();
        assert_eq!(read_back(&path).unwrap(), b"one\ntwo\n");
        bytes.truncate(bytes.len() - 3);
        std::fs::write(&path, &bytes).unwrap();
        assert!(read_back(&path).is_err());
    }

    #[test]
    fn plain_files_are_plain_and_empty_ones_empty() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.ndjson");
        let mut output = create(&path).unwrap();
        output.write_all(b"{}\n").unwrap();
        output.finish().unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"{}\n");
        assert_eq!(read_back(&path).unwrap(), b"{}\n");
        std::fs::write(&path, b"").unwrap();
        assert_eq!(read_back(&path).unwrap(), b"");
    }
}
