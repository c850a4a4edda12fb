//! Appointments: SIU^S12 and its like (HL7 v2.5.1 chapter 10).

use bytes::Bytes;

use super::{Writer, appointment_id, doctor, name};
use crate::simulate::visit::{AppointmentNews, Moment, Place};

impl Writer {
    pub(super) fn appointment(
        &self,
        news: &AppointmentNews,
        control_id: &str,
        at: Moment,
    ) -> Bytes {
        let (start, end) = (self.time(news.start), self.time(news.start + news.length));
        let minutes = (news.length / 60).to_string();
        let id = appointment_id(news.number);
        let staff = doctor(news.staff);
        let (reason, text) = news.reason;
        let action = if news.trigger == "S12" { "A" } else { "U" };
        let place = self.location(Some(Place::somewhere(news.unit)));
        let message = self
            .header(["SIU", news.trigger], "SIU_S12", "SIMSCH", control_id, at)
            .segment(name(*b"SCH"))
            .components(1, &[&id, "SIMSCH"])
            .components(2, &[&id, "SIMSCH"])
            .components(6, &[reason, text, "L"])
            .components(7, &["Routine", "Routine", "HL70276"])
            .components(8, &["Normal", "Normal", "HL70277"])
            .field(9, &minutes)
            .components(10, &["min", "minutes", "L"])
            .components(11, &["", "", &format!("M{minutes}"), &start, &end])
            .raw(16, staff.as_bytes())
            .raw(20, staff.as_bytes())
            .components(25, &[news.status, news.status, "HL70278"]);
        let message = self.identified(message, news.visit.person, "1", &news.visit);
        self.visited(message, "1", &news.visit)
            .segment(name(*b"RGS"))
            .field(1, "1")
            .field(2, action)
            .segment(name(*b"AIS"))
            .field(1, "1")
            .field(2, action)
            .components(3, &["CONSULT", "Consultation", "L"])
            .field(4, &start)
            .field(7, &minutes)
            .components(8, &["min", "minutes", "L"])
            .components(10, &[news.status, news.status, "HL70278"])
            .segment(name(*b"AIL"))
            .field(1, "1")
            .field(2, action)
            .raw(3, place.as_bytes())
            .components(4, &["C", "Clinic", "L"])
            .field(6, &start)
            .field(9, &minutes)
            .components(10, &["min", "minutes", "L"])
            .segment(name(*b"AIP"))
            .field(1, "1")
            .field(2, action)
            .raw(3, staff.as_bytes())
            .components(4, &["DR", "Doctor", "L"])
            .field(6, &start)
            .field(9, &minutes)
            .components(10, &["min", "minutes", "L"])
            .finish()
    }
}
