package org.unifiedvolume.targets.nbd.member;

import java.util.TreeMap;
import org.unifiedvolume.buffer.BufferPool;
import org.unifiedvolume.buffer.Buffers;

/// Puts the pieces of a structured read reply together; they may come in any order.
final class ReadAssembly {
    /// The shortest pieces that make up a whole answer; a server that sends shorter ones all along
    /// would fill the heap with their descriptions.
    private static final int LEAST_PIECE_BYTES = 512;

    private static final int FEW_PIECES = 64;

    private record Piece(long length, Buffers bytes) {}

    private final long start;
    private final long length;
    private final TreeMap<Long, Piece> pieces = new TreeMap<>();
    private long covered;

    ReadAssembly(long start, long length) {
        this.start = start;
        this.length = length;
    }

    /// Adds a piece; null stands for a hole. Takes over one reference, also if it is refused.
    ///
    /// @return false if it lies outside the request or over another piece, or is one of far too
    ///     many
    boolean add(long offset, long pieceLength, Buffers bytes) {
        boolean inside =
                pieceLength > 0 && offset >= start && pieceLength <= start + length - offset;
        var before = pieces.lowerEntry(offset + Math.max(1, pieceLength));
        boolean overlaps = before != null && before.getKey() + before.getValue().length > offset;
        boolean tooMany = pieces.size() >= FEW_PIECES + length / LEAST_PIECE_BYTES;
        if (!inside || overlaps || tooMany) {
            if (bytes != null) {
                bytes.release();
            }
            return false;
        }
        pieces.put(offset, new Piece(pieceLength, bytes));
        covered += pieceLength;
        return true;
    }

    boolean isComplete() {
        return covered == length;
    }

    /// The whole payload; holes are filled with zeroes. The caller takes over the references.
    ///
    /// @return null if the pool is spent; the pieces were released
    Buffers join(BufferPool pool) {
        Buffers[] parts = new Buffers[pieces.size()];
        int at = 0;
        boolean spent = false;
        for (Piece piece : pieces.values()) {
            Buffers bytes = piece.bytes;
            if (bytes == null && !spent) {
                bytes = pool.allocate(piece.length);
                if (bytes == null) {
                    spent = true;
                } else {
                    bytes.zero(0, piece.length);
                }
            }
            parts[at++] = bytes;
        }
        pieces.clear();
        if (!spent) {
            return Buffers.concat(parts);
        }
        for (Buffers part : parts) {
            if (part != null) {
                part.release();
            }
        }
        return null;
    }

    void release() {
        for (Piece piece : pieces.values()) {
            if (piece.bytes != null) {
                piece.bytes.release();
            }
        }
        pieces.clear();
    }
}
