//! Bytes ⇄ frames: MLLP, the wrapper HL7 v2 messages travel in over TCP.
