package org.unifiedvolume.raid.stripe;

import java.util.ArrayList;
import java.util.List;
import org.unifiedvolume.raid.geometry.ParityGeometry;

/// Where a range of several chunks lies: the runs of data that stand one after another on a leg,
/// and which part of which run each chunk of the range is.
final class DataRuns {
    /// Rows of one leg that are all asked for.
    ///
    /// @param index its number
    record Run(int index, int role, long row, long lengthBytes) {
        long endRow() {
            return row + lengthBytes;
        }
    }

    private final ParityGeometry geometry;
    private final long offset;
    private final long end;
    private final long firstChunk;
    private final Run[] runOfPiece;
    private final List<Run> runs = new ArrayList<>();

    DataRuns(ParityGeometry geometry, long offsetBytes, long lengthBytes) {
        this.geometry = geometry;
        this.offset = offsetBytes;
        this.end = offsetBytes + lengthBytes;
        this.firstChunk = offset / geometry.chunkBytes();
        long lastChunk = (end - 1) / geometry.chunkBytes();
        this.runOfPiece = new Run[Math.toIntExact(lastChunk - firstChunk + 1)];
        for (int role = 0; role < geometry.memberCount(); role++) {
            addRunsOf(role);
        }
    }

    private void addRunsOf(int role) {
        long lastStripe = geometry.stripeAt(end - 1);
        int begin = -1;
        int last = -1;
        for (long stripe = geometry.stripeAt(offset); stripe <= lastStripe; stripe++) {
            int piece = pieceOf(stripe, role);
            if (piece >= 0) {
                begin = begin < 0 ? piece : begin;
                last = piece;
            }
            if (begin >= 0 && (piece < 0 || stripe == lastStripe)) {
                addRun(role, begin, last);
                begin = -1;
            }
        }
    }

    private int pieceOf(long stripe, int role) {
        int data = geometry.dataIndexOf(stripe, role);
        long piece = stripe * geometry.dataCount() + data - firstChunk;
        return data < 0 || piece < 0 || piece >= runOfPiece.length ? -1 : (int) piece;
    }

    private void addRun(int role, int begin, int last) {
        long row = geometry.memberOffset(start(begin));
        long endRow = geometry.memberOffset(end(last) - 1) + 1;
        Run run = new Run(runs.size(), role, row, endRow - row);
        runs.add(run);
        for (int piece = begin; piece <= last; piece++) {
            if (geometry.memberAt(start(piece)) == role) {
                runOfPiece[piece] = run;
            }
        }
    }

    List<Run> runs() {
        return runs;
    }

    /// How many chunks the range touches.
    int pieceCount() {
        return runOfPiece.length;
    }

    Run runOf(int piece) {
        return runOfPiece[piece];
    }

    /// Where in the array a piece begins.
    long start(int piece) {
        return Math.max(offset, (firstChunk + piece) * geometry.chunkBytes());
    }

    long end(int piece) {
        return Math.min(end, (firstChunk + piece + 1) * geometry.chunkBytes());
    }

    long lengthBytes(int piece) {
        return end(piece) - start(piece);
    }

    /// Where in its run a piece begins.
    long offsetInRun(int piece) {
        return geometry.memberOffset(start(piece)) - runOfPiece[piece].row();
    }
}
