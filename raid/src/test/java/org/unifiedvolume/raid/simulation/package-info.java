/// The seeded simulation of volumes: arrays over disks that err, hang, tear and forget.
package org.unifiedvolume.raid.simulation;
