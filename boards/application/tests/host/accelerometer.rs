//! Both sensors, as their datasheets have them, and everything that can go wrong on the bus.

use embedded_hal::i2c::ErrorKind;
use embedded_hal_mock::eh1::i2c::{Mock, Transaction};
use exactum_application::accelerometer::{Accelerometer, Lis3dh, Mpu6050, Rate, SensorError};

pub(crate) const LIS3DH: u8 = 0x19;
const MPU6050: u8 = 0x68;

fn read(address: u8, register: u8, bytes: &[u8]) -> Transaction {
    Transaction::write_read(address, vec![register], bytes.to_vec())
}

fn set(address: u8, register: u8, value: u8) -> [Transaction; 2] {
    [Transaction::write(address, vec![register, value]), read(address, register, &[value])]
}

/// What a LIS3DH is told at the start: 4 g in high resolution, all axes at 50 hertz.
pub(crate) fn lis3dh_at_50hz() -> Vec<Transaction> {
    let mut told = vec![read(LIS3DH, 0x0f, &[0x33])];
    told.extend(set(LIS3DH, 0x23, 0x98));
    told.extend(set(LIS3DH, 0x20, 0x47));
    told
}

/// A sample of a LIS3DH, with its status.
pub(crate) fn lis3dh_sample(status: u8, sample: [i16; 3]) -> Transaction {
    let mut bytes = vec![status];
    bytes.extend(sample.iter().flat_map(|axis| axis.to_le_bytes()));
    read(LIS3DH, 0xa7, &bytes)
}

#[test]
fn lis3dh_gives_new_samples_and_tells_of_lost_ones() {
    let sample = [-32768, 1, 8000];
    let mut told = lis3dh_at_50hz();
    told.extend([lis3dh_sample(0, sample), lis3dh_sample(0x0f, sample), lis3dh_sample(0xff, [2, -3, 4])]);
    let mut sensor = Lis3dh::new(Mock::new(&told), LIS3DH, Rate::Hz50).unwrap();
    assert_eq!(sensor.sample(), Ok(None));
    assert_eq!((sensor.sample(), sensor.overrun()), (Ok(Some(sample)), false));
    assert_eq!((sensor.sample(), sensor.overrun()), (Ok(Some([2, -3, 4])), true));
    sensor.release().done();
}

#[test]
fn mpu6050_is_big_endian() {
    let mut told = vec![read(MPU6050, 0x75, &[0x68])];
    for (register, value) in [(0x6b, 1), (0x1a, 3), (0x19, 9), (0x1c, 8)] {
        told.extend(set(MPU6050, register, value));
    }
    told.extend([
        read(MPU6050, 0x3a, &[0, 1, 2, 3, 4, 5, 6]),
        read(MPU6050, 0x3a, &[1, 0x01, 0x02, 0xff, 0xfe, 0x80, 0]),
    ]);
    let mut sensor = Mpu6050::new(Mock::new(&told), MPU6050, Rate::Hz100).unwrap();
    assert_eq!(sensor.sample(), Ok(None));
    assert_eq!(sensor.sample(), Ok(Some([0x102, -2, -32768])));
    sensor.release().done();
}

#[test]
fn another_chip_is_told() {
    let mut bus = Mock::new(&[read(LIS3DH, 0x0f, &[0x41])]);
    let error = Lis3dh::new(bus.clone(), LIS3DH, Rate::Hz50).err();
    assert_eq!(error, Some(SensorError::Identity { found: 0x41, needed: 0x33 }));
    bus.done();
}

#[test]
fn settings_that_do_not_stay_are_told() {
    let told = [
        read(LIS3DH, 0x0f, &[0x33]),
        Transaction::write(LIS3DH, vec![0x23, 0x98]),
        read(LIS3DH, 0x23, &[0x90]),
    ];
    let mut bus = Mock::new(&told);
    let error = Lis3dh::new(bus.clone(), LIS3DH, Rate::Hz50).err();
    assert_eq!(error, Some(SensorError::Register { address: 0x23, found: 0x90, needed: 0x98 }));
    bus.done();
}

/// The bus may fail at each of its transactions.
#[test]
fn failures_of_the_bus_are_told_wherever_they_are() {
    let whole = [lis3dh_at_50hz(), vec![lis3dh_sample(0x0f, [0; 3])]].concat();
    for at in 0..whole.len() {
        let mut told = whole[..=at].to_vec();
        told[at] = told[at].clone().with_error(ErrorKind::Bus);
        let mut bus = Mock::new(&told);
        let error = match Lis3dh::new(bus.clone(), LIS3DH, Rate::Hz50) {
            Ok(mut sensor) => sensor.sample().err(),
            Err(error) => Some(error),
        };
        assert_eq!(error, Some(SensorError::Bus(ErrorKind::Bus)), "transaction {at}");
        bus.done();
    }
}
