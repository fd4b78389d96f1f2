package org.unifiedvolume.config;

import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/// Reads a configuration file: whatever the text is, the answer is a [ServiceConfig] or a
/// [ConfigFault] that names the place and the remedy.
///
/// ```yaml
/// state: ./state
/// buffers: 96MiB
/// volumes:
///   - name: media
///     level: raid1
///     members: [file:/srv/a.img, nbd://10.0.0.2/b]
///     exports: [nbd://127.0.0.1:10809/media]
/// ```
public final class ConfigReader {
    /// The pool's ceiling unless the file says otherwise.
    public static final long DEFAULT_BUFFERS_BYTES = 96L << 20;

    private static final long LEAST_BUFFERS_BYTES = 16L << 20;
    private static final long MOST_BUFFERS_BYTES = 64L << 30;
    private static final int MAX_VOLUMES = 1024;
    private static final Set<String> KEYS = new TreeSet<>(Set.of("buffers", "state", "volumes"));

    private ConfigReader() {}

    /// Reads a file.
    ///
    /// @throws ConfigFault also if the file cannot be read
    public static ServiceConfig read(Path file) throws ConfigFault {
        Place place = new Place(file.toString(), 0, 0);
        String text;
        try {
            if (Files.isDirectory(file)) {
                throw new ConfigFault(place, "this is a folder", "name a file");
            }
            if (Files.size(file) > 4L * YamlReader.MAX_CHARACTERS) {
                throw new ConfigFault(place, "the file is too large", "name a configuration file");
            }
            text = Files.readString(file);
        } catch (NoSuchFileException e) {
            throw new ConfigFault(place, "there is no such file", "name a configuration file");
        } catch (CharacterCodingException e) {
            throw new ConfigFault(
                    place, "the file is not text in UTF-8", "name a configuration file");
        } catch (IOException e) {
            throw new ConfigFault(
                    place, "the file cannot be read: " + e.getMessage(), "check its mode");
        }
        Path folder = file.toAbsolutePath().normalize().getParent();
        return read(file, folder, text);
    }

    /// Reads a text.
    ///
    /// @param file what places call the file
    /// @param baseFolder what relative paths are relative to
    public static ServiceConfig read(Path file, Path baseFolder, String text) throws ConfigFault {
        YamlNode root = YamlReader.read(file.toString(), text);
        if (!(root instanceof YamlNode.Mapping(Place place, List<YamlNode.Entry> entries))) {
            throw new ConfigFault(
                    root.place(),
                    "the file holds " + root.noun() + " instead of keys",
                    "begin with \"volumes:\"");
        }
        Path state = baseFolder.resolve("state");
        long buffers = DEFAULT_BUFFERS_BYTES;
        List<VolumeConfig> volumes = null;
        for (YamlNode.Entry entry : entries) {
            switch (entry.key()) {
                case "state" -> state = stateFolder(entry, baseFolder);
                case "buffers" -> buffers = buffers(entry);
                case "volumes" -> volumes = volumes(entry);
                case "api" ->
                        throw new ConfigFault(
                                entry.place(),
                                "the web page and API come with a later release",
                                "leave out \"api\" for now");
                default ->
                        throw new ConfigFault(
                                entry.place(),
                                "unknown key \"%s\"".formatted(entry.key()),
                                Suggestion.remedy(entry.key(), KEYS));
            }
        }
        if (volumes == null) {
            throw new ConfigFault(place, "there are no volumes", "describe one under \"volumes:\"");
        }
        return new ServiceConfig(file, baseFolder, state, buffers, volumes);
    }

    private static Path stateFolder(YamlNode.Entry entry, Path baseFolder) throws ConfigFault {
        String text = scalar(entry);
        if (text.indexOf('\0') >= 0) {
            throw new ConfigFault(
                    entry.value().place(), "state: the path has a NUL in it", "name a folder");
        }
        return baseFolder.resolve(text).normalize();
    }

    private static long buffers(YamlNode.Entry entry) throws ConfigFault {
        Place place = entry.value().place();
        long bytes = Units.parseSize(place, scalar(entry));
        if (bytes < LEAST_BUFFERS_BYTES || bytes > MOST_BUFFERS_BYTES) {
            throw new ConfigFault(
                    place,
                    "buffers: %s is out of bounds".formatted(Units.size(bytes)),
                    "write a size from 16MiB to 64GiB; %s is the default"
                            .formatted(Units.size(DEFAULT_BUFFERS_BYTES)));
        }
        return bytes;
    }

    private static List<VolumeConfig> volumes(YamlNode.Entry entry) throws ConfigFault {
        List<VolumeConfig> volumes = new ArrayList<>();
        Map<String, Place> names = new LinkedHashMap<>();
        for (YamlNode item : list(entry, "volume")) {
            VolumeConfig volume = new VolumeReader(item).read();
            Place before = names.putIfAbsent(volume.name(), volume.place());
            if (before != null) {
                throw new ConfigFault(
                        volume.place(),
                        "a second volume is named \"%s\", after %s"
                                .formatted(volume.name(), before),
                        "give each volume a name of its own");
            }
            volumes.add(volume);
            if (volumes.size() > MAX_VOLUMES) {
                throw new ConfigFault(
                        item.place(),
                        "there are more than %d volumes".formatted(MAX_VOLUMES),
                        "spread them over several services");
            }
        }
        return volumes;
    }

    /// The items of a list that must have some.
    static List<YamlNode> list(YamlNode.Entry entry, String item) throws ConfigFault {
        if (!(entry.value() instanceof YamlNode.Sequence(Place _, List<YamlNode> items))) {
            throw new ConfigFault(
                    entry.value().place(),
                    "%s: this is %s instead of a list".formatted(entry.key(), entry.value().noun()),
                    "write each %s on a line of its own that begins with \"- \"".formatted(item));
        }
        if (items.isEmpty()) {
            throw new ConfigFault(
                    entry.value().place(),
                    "%s: the list is empty".formatted(entry.key()),
                    "write at least one %s".formatted(item));
        }
        return items;
    }

    /// The text of a single value that must not be empty.
    static String scalar(YamlNode.Entry entry) throws ConfigFault {
        if (entry.value() instanceof YamlNode.Scalar(Place _, String text) && !text.isBlank()) {
            return text.strip();
        }
        throw new ConfigFault(
                entry.value().place(),
                "%s: this is %s".formatted(entry.key(), entry.value().noun()),
                "write one value behind the colon");
    }
}
