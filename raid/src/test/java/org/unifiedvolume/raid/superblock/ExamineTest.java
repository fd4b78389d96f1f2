package org.unifiedvolume.raid.superblock;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.unifiedvolume.control.Json;

class ExamineTest {
    @Test
    void peopleSeeWhatTheyAskFor() {
        String text = Examine.text(Samples.mirror());
        for (String line :
                List.of(
                        "array  media (00112233-4455-6677-8899-aabbccddeeff)",
                        "level  raid1 of 2",
                        "size  99 MiB",
                        "role  0",
                        "events  7",
                        "epoch  3 (0000000000003333)",
                        "state  in use, or not stopped in order",
                        "metadata  at the start",
                        "data  99 MiB at 1048576",
                        "bitmap  4 KiB at 131072",
                        "0  IN_SYNC              6  nbd://host0/disk  (this one)",
                        "1  IN_SYNC              6  nbd://host1/disk\n")) {
            assertTrue(text.contains(line), line + " in\n" + text);
        }
        String parity = Examine.text(Samples.array(6, 5, 65536, MetadataPlace.END));
        assertTrue(parity.contains("raid6 of 5, chunk 64 KiB"), parity);
        assertTrue(parity.contains("journal  2 MiB at "), parity);
        assertTrue(parity.contains("at the end"), parity);
    }

    @Test
    void programsGetTheSameAsJson() {
        Map<String, Object> view = Examine.view(Samples.mirror());
        String json = Json.write(view);
        for (String part :
                List.of(
                        "\"level\":\"raid1\"",
                        "\"size\":103809024",
                        "\"events\":7",
                        "\"epoch\":{\"number\":3,\"id\":\"0000000000003333\"}",
                        "\"metadata\":\"start\"",
                        "\"data\":{\"offset\":1048576,\"length\":103809024}",
                        "\"place\":\"nbd://host1/disk\"",
                        "\"updated\":\"1970-01-01T00:00:00.000018Z\"")) {
            assertTrue(json.contains(part), part + " in " + json);
        }
        assertEquals(2, ((List<?>) view.get("members")).size());
    }

    @Test
    void timesAndNamesThatSomebodyForgedDoNoHarm() throws SuperblockFault {
        byte[] bytes = SuperblockCodec.encode(Samples.mirror(), 0);
        byte[] odd = Samples.patched(bytes, 208, Samples.int8(Long.MIN_VALUE));
        odd = Samples.patched(odd, 216, Samples.int8(Long.MAX_VALUE));
        odd = Samples.patched(odd, 1024 + 24, Samples.int8(Long.MIN_VALUE));
        odd = Samples.patched(odd, 80, (byte) 27, (byte) '[', (byte) '2', (byte) 'J');
        Superblock superblock = SuperblockCodec.decode(odd, 0);
        assertTrue(Examine.text(superblock).contains("?[2Ja"), Examine.text(superblock));
        Json.write(Examine.view(superblock));
    }
}
