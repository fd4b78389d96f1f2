package org.unifiedvolume.terminal;

import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;

/// Lines up columns of text.
public final class Table {
    private static final String GAP = "  ";

    private final List<List<String>> rows = new ArrayList<>();
    private final List<Integer> rightAligned;

    /// @param rightAligned the columns that hold numbers, counted from 0
    public Table(Integer... rightAligned) {
        this.rightAligned = List.of(rightAligned);
    }

    public Table row(String... cells) {
        rows.add(List.of(cells));
        return this;
    }

    /// Prints all rows; the last column is not padded.
    public void print(PrintWriter out) {
        List<Integer> widths = new ArrayList<>();
        for (List<String> row : rows) {
            for (int i = 0; i < row.size(); i++) {
                if (i == widths.size()) {
                    widths.add(0);
                }
                widths.set(i, Math.max(widths.get(i), row.get(i).length()));
            }
        }
        for (List<String> row : rows) {
            StringBuilder line = new StringBuilder();
            for (int i = 0; i < row.size(); i++) {
                String pad = " ".repeat(widths.get(i) - row.get(i).length());
                boolean right = rightAligned.contains(i);
                line.append(right ? pad + row.get(i) : row.get(i) + pad).append(GAP);
            }
            out.println(line.toString().stripTrailing());
        }
    }
}
