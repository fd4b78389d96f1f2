/// The arithmetic of RAID 5 and RAID 6: P and Q, and what is computed back from them.
///
/// P is the XOR of a stripe's data. Q is the sum of `2^i * data[i]` in the field GF(2^8) with the
/// polynomial 0x11d, byte by byte, as in H. P. Anvin, "The mathematics of RAID-6".
///
/// Entry class: [org.unifiedvolume.raid.parity.Parity]. It works on payloads by means of a
/// [org.unifiedvolume.raid.parity.ParityKernel], of which there is one in plain Java and one on the
/// Vector API, taken if the JVM was started with the module `jdk.incubator.vector`. No I/O, nothing
/// blocks, safe for concurrent use on different memory.
package org.unifiedvolume.raid.parity;
