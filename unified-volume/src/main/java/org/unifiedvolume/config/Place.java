package org.unifiedvolume.config;

/// Where a user wrote something.
///
/// @param file the file's name, or `command line`
/// @param line counted from 1; 0 if there are no lines
/// @param column counted from 1
public record Place(String file, int line, int column) {
    public static final Place COMMAND_LINE = new Place("command line", 0, 0);

    @Override
    public String toString() {
        return line == 0 ? file : file + ":" + line + ":" + column;
    }
}
