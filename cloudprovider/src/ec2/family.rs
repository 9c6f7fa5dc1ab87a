//! In what AMI families differ as far as capacity goes: devices, densities and reservations (the Karpenter specification,
//! aws-provider 3.2, and v1.15 changes 10.6 for Bottlerocket's root volume). How a family's user data looks is not known
//! here.

use dovetail_api::ec2_node_class::AmiFamily;

/// What a family decides about the capacity of its nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FamilyRules {
    /// The device that holds pods' ephemeral storage; unknown for custom images.
    pub ephemeral_device: Option<&'static str>,
    /// The devices of a machine whose class names none, with their sizes in GiB.
    pub default_devices: &'static [(&'static str, i64)],
    /// Whether the number of pods is limited by the addresses of the network interfaces.
    pub eni_limited_pods: bool,
    /// Whether memory is reserved for as many pods as the interfaces could carry, however many are allowed.
    pub reserves_for_eni_pods: bool,
    /// Whether `podsPerCore` has an effect.
    pub pods_per_core: bool,
    /// The build of Windows, for the Windows families.
    pub windows_build: Option<&'static str>,
}

const LINUX: FamilyRules = FamilyRules {
    ephemeral_device: Some("/dev/xvda"),
    default_devices: &[("/dev/xvda", 20)],
    eni_limited_pods: true,
    reserves_for_eni_pods: true,
    pods_per_core: true,
    windows_build: None,
};

const fn windows(build: &'static str) -> FamilyRules {
    FamilyRules {
        ephemeral_device: Some("/dev/sda1"),
        default_devices: &[("/dev/sda1", 50)],
        eni_limited_pods: false,
        reserves_for_eni_pods: false,
        pods_per_core: true,
        windows_build: Some(build),
    }
}

/// The rules of a family.
pub const fn rules(family: AmiFamily) -> FamilyRules {
    match family {
        AmiFamily::AL2 | AmiFamily::AL2023 => LINUX,
        AmiFamily::Bottlerocket => FamilyRules {
            ephemeral_device: Some("/dev/xvdb"),
            default_devices: &[("/dev/xvda", 6), ("/dev/xvdb", 20)],
            reserves_for_eni_pods: false,
            pods_per_core: false,
            ..LINUX
        },
        AmiFamily::Custom => FamilyRules { ephemeral_device: None, default_devices: &[], ..LINUX },
        AmiFamily::Windows2019 => windows("10.0.17763"),
        AmiFamily::Windows2022 => windows("10.0.20348"),
        AmiFamily::Windows2025 => windows("10.0.26100"),
    }
}

impl FamilyRules {
    /// Size in GiB of the device that holds ephemeral storage, unless the class says otherwise.
    pub(crate) fn default_ephemeral_gib(&self) -> Option<i64> {
        let device = self.ephemeral_device?;
        self.default_devices.iter().find(|(name, _)| *name == device).map(|(_, gib)| *gib)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ephemeral_storage_lies_on_another_device_in_each_kind_of_family() {
        let sizes = AmiFamily::ALL.map(|f| (f.as_str(), rules(f).ephemeral_device, rules(f).default_ephemeral_gib()));
        assert_eq!(
            sizes,
            [
                ("AL2", Some("/dev/xvda"), Some(20)),
                ("AL2023", Some("/dev/xvda"), Some(20)),
                ("Bottlerocket", Some("/dev/xvdb"), Some(20)),
                ("Custom", None, None),
                ("Windows2019", Some("/dev/sda1"), Some(50)),
                ("Windows2022", Some("/dev/sda1"), Some(50)),
                ("Windows2025", Some("/dev/sda1"), Some(50)),
            ]
        );
    }

    #[test]
    fn the_root_volume_of_bottlerocket_holds_its_larger_snapshot() {
        assert_eq!(rules(AmiFamily::Bottlerocket).default_devices.first(), Some(&("/dev/xvda", 6)));
    }
}
